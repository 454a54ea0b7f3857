"""The keys that Heat adds to the metadata of a polling server."""

from __future__ import annotations

from guestagent.embedded.heat.resources.os_collect_config import merge_metadata, merge_settings

HEAT = {"heat": {"user_id": "u"}, "collectors": ["ec2", "heat", "local"]}
CFN = {"cfn": {"path": "p"}, "collectors": ["ec2", "cfn", "local"]}


def test_settings_and_deployments_are_added_to_the_templates_keys() -> None:
    assert merge_settings({"Users": []}, dict(HEAT)) == {
        "Users": [],
        "deployments": [],
        "os-collect-config": HEAT,
    }


def test_another_way_to_poll_sets_the_first_ones_settings_to_null() -> None:
    first = merge_settings({}, dict(HEAT))

    second = merge_settings(first, dict(CFN))

    assert second["os-collect-config"] == {"heat": {"user_id": None}, **CFN}


def test_new_metadata_keeps_the_keys_that_heat_added() -> None:
    served = merge_settings({"Users": ["old"], "gone": 1}, dict(HEAT))

    after = merge_metadata(served, {"Users": ["new"], "os-collect-config": {"mine": 1}})

    assert after == {"Users": ["new"], "deployments": [], "os-collect-config": {**HEAT, "mine": 1}}
