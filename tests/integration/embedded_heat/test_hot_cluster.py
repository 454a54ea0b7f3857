"""HOT on the embedded cloud: a cluster of polling servers, created and changed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from guestagent.embedded import Serving
from tests.support.heat_requests import (
    Document,
    HeatRequests,
    get_fake_cloud,
    get_fake_hypervisor,
    list_booted_nodes,
)
from tests.support.hot_cluster_stack import build_template, create_ready_stack, read_boot_metadata

pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")


def point_settings_at(settings: Mapping[str, Any], build_node: str) -> dict[str, Any]:
    """A node's polling settings, for another node's metadata."""
    changed = json.loads(json.dumps(settings))
    for key, value in (("heat", {"resource_name": build_node}), ("cfn", {"path": f"{build_node}.Metadata"})):
        changed.get(key, {}).update(value)
    return dict(changed)


def run_collector(settings: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return the metadata that the real os-collect-config gets with such settings; nothing if it is rejected."""
    folder.mkdir()
    [name] = [each for each in settings["collectors"] if each in ("heat", "cfn")]
    section = "".join(f"{key} = {str(value).replace('$', '$$')}\n" for key, value in settings[name].items())
    config = folder / "os-collect-config.conf"
    config.write_text(f"[DEFAULT]\ncollectors = {name}\ncachedir = {folder}/cache\n[{name}]\n{section}")
    completed = subprocess.run(
        [
            Path(sys.executable).with_name("os-collect-config"),
            "--config-file",
            config,
            "--one-time",
            "--print",
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
    )
    printed = json.loads(completed.stdout) if completed.stdout.strip() else {}
    return printed.get(name) or {}


def test_a_cluster_is_created_in_the_order_of_its_dependencies(cloud: Serving, heat: HeatRequests) -> None:
    create_ready_stack(cloud, heat, build_template("Slave0000"))

    assert list_booted_nodes(cloud) == ["Master0000", "Slave0000"]
    outputs = heat.outputs("prod")
    assert json.loads(str(outputs["Evidence"])) == {"1": "proof"}
    assert outputs["Address"] == "10.77.0.10"
    port = get_fake_cloud(cloud).compute.networking.find_port(
        str(heat.resource("prod", "Slave0000Port")["physical_resource_id"])
    )
    assert get_fake_hypervisor(cloud).guests[port.server_id].address == port.address
    assert cloud.dangerous_reads == []


@pytest.mark.parametrize("transport", ["POLL_SERVER_HEAT", "POLL_SERVER_CFN"])
def test_the_real_collector_reads_a_nodes_own_metadata_and_no_others(
    cloud: Serving, heat: HeatRequests, tmp_path: Path, transport: str
) -> None:
    create_ready_stack(cloud, heat, build_template("Slave0000", polling=transport))
    settings = read_boot_metadata(cloud, "Master0000")["os-collect-config"]

    collected = run_collector(settings, tmp_path / "own")
    foreign = run_collector(point_settings_at(settings, "Slave0000"), tmp_path / "foreign")

    password = get_fake_cloud(cloud).engine.find_stack("prod").resources["Slave0000Password"].data["value"]
    assert collected["Users"] == [{"name": "slave0000", "password": password}]
    assert json.loads(collected["ReadyWaitCondition"])["alarm_url"].startswith(cloud.cfn_url)
    assert collected["os-collect-config"] == settings
    assert collected["deployments"] == []
    assert foreign == {}
    assert cloud.dangerous_reads == [], "a guest's polling harms no stack"


def test_changed_metadata_reaches_a_polling_guest_in_place(
    cloud: Serving, heat: HeatRequests, tmp_path: Path
) -> None:
    create_ready_stack(cloud, heat, build_template())
    settings = read_boot_metadata(cloud, "Master0000")["os-collect-config"]
    before = run_collector(settings, tmp_path / "before")

    heat.update("prod", build_template("Slave0000", generation=2))
    heat.wait_for_resource("prod", "Master0000ReadyWaitCond2", "CREATE_IN_PROGRESS")
    after = run_collector(settings, tmp_path / "after")

    assert (before["GuestAgent"], after["GuestAgent"]) == ({"Generation": 1}, {"Generation": 2})
    assert after["os-collect-config"] == settings
    assert [user["name"] for user in after["Users"]] == ["slave0000"]
    assert list_booted_nodes(cloud) == ["Master0000"], (
        "the replica waits until the source has proved its user"
    )


def test_flavor_and_user_data_change_in_place_and_the_image_replaces_at_the_same_address(
    cloud: Serving, heat: HeatRequests
) -> None:
    create_ready_stack(cloud, heat, build_template())
    first = heat.resource("prod", "Master0000")["physical_resource_id"]
    heat.update("prod", build_template(flavor="m1.large", user_data="#!/bin/sh\n"))
    heat.wait("prod", "UPDATE_COMPLETE")
    resized = heat.resource("prod", "Master0000")["physical_resource_id"]

    heat.update("prod", build_template(flavor="m1.tiny", user_data="#!/bin/sh\n", flavor_policy="REPLACE"))
    heat.wait("prod", "UPDATE_COMPLETE", again=True)
    replaced = str(heat.resource("prod", "Master0000")["physical_resource_id"])

    assert resized == first
    assert replaced != first
    calls = [call for call, about in get_fake_hypervisor(cloud).calls if about == first or call == "boot"]
    assert calls == ["boot", "reboot", "destroy", "boot"], (
        "the old one gives up its port before the new one runs"
    )
    assert get_fake_hypervisor(cloud).guests[replaced].address == "10.77.0.10"


def test_a_resize_that_fails_is_tried_again_on_the_same_server(cloud: Serving, heat: HeatRequests) -> None:
    create_ready_stack(cloud, heat, build_template())
    first = heat.resource("prod", "Master0000")["physical_resource_id"]
    heat.update("prod", build_template(flavor="broken"))
    heat.wait("prod", "UPDATE_FAILED")

    heat.update("prod", build_template(flavor="m1.medium"))
    heat.wait("prod", "UPDATE_COMPLETE")

    assert heat.resource("prod", "Master0000")["physical_resource_id"] == first
    assert get_fake_cloud(cloud).compute.get_server(str(first)).flavor.name == "m1.medium"


def test_hidden_parameters_are_shown_nowhere(heat: HeatRequests) -> None:
    template: Document = {
        "heat_template_version": "2018-08-31",
        "parameters": {
            "secret": {"type": "string", "hidden": True},
            "sizes": {"type": "comma_delimited_list"},
        },
        "resources": {
            "Value": {"type": "OS::Heat::Value", "properties": {"value": {"get_param": ["sizes", 1]}}}
        },
        "outputs": {"Size": {"value": {"get_attr": ["Value", "value"]}}},
    }
    parameters = {"secret": "cleartext", "sizes": "small,large"}

    heat.create("prod", template, parameters=parameters)
    heat.wait("prod", "CREATE_COMPLETE")

    stack, environment = heat.get("prod")["stack"], heat.get("prod", "/environment")
    assert isinstance(stack, dict)
    assert stack["parameters"]["secret"] == environment["parameters"]["secret"] == "******"  # type: ignore[index]
    assert "cleartext" not in json.dumps([stack, environment])
    assert heat.outputs("prod") == {"Size": "large"}


def test_groups_and_their_rules_are_kept(cloud: Serving, heat: HeatRequests) -> None:
    create_ready_stack(cloud, heat, build_template())

    group = get_fake_cloud(cloud).compute.networking.find_group(
        str(heat.resource("prod", "Database")["physical_resource_id"])
    )

    assert [rule.attributes["direction"] for rule in group.rules] == [
        "egress",
        "egress",
        "ingress",
        "ingress",
    ]
    assert [rule.attributes.get("remote_group_id") for rule in group.rules][2:] == [group.id, None]
    heat.delete("prod")
    heat.wait_until(lambda: heat.find_status("prod") is None)
    assert group.id not in get_fake_cloud(cloud).compute.networking.groups
    assert get_fake_cloud(cloud).compute.networking.ports == {}
