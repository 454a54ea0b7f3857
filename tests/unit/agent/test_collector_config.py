from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from oslo_config import cfg

from guestagent.agent.collector_config import update_config

FILE = """\
[DEFAULT]
# whom to tell
command = guestagent poke
collectors = heat_local

[cfn]
metadata-url = http://old/v1/
path = old.Metadata
  continued
timeout = 10
"""
HEAT = {
    "collectors": ["ec2", "cfn", "local"],
    "cfn": {
        "metadata_url": "http://heat.test:8000/v1/",
        "access_key_id": "key",
        "secret_access_key": "pa$$word",
        "stack_name": "cluster",
        "path": "Master0000.Metadata",
    },
}


def test_heats_options_replace_the_old_ones_and_leave_the_rest() -> None:
    assert (
        update_config(FILE, HEAT)
        == """\
[DEFAULT]
collectors = ec2
collectors = cfn
collectors = local
# whom to tell
command = guestagent poke

[cfn]
metadata_url = http://heat.test:8000/v1/
access_key_id = key
secret_access_key = pa$$$$word
stack_name = cluster
path = Master0000.Metadata
timeout = 10
"""
    )


def test_a_correct_file_is_not_changed() -> None:
    wanted = update_config(FILE, HEAT)
    by_hand = wanted.replace("stack_name = cluster", "stack-name:cluster").removesuffix("\n")

    assert update_config(wanted, HEAT) == wanted
    assert update_config(by_hand, HEAT) == by_hand


def test_a_missing_section_is_added() -> None:
    text = update_config("[DEFAULT]\n", {"heat": {"auth_url": "http://k/v3"}})

    assert text == "[DEFAULT]\n[heat]\nauth_url = http://k/v3\n"


def test_an_option_that_heat_withdraws_is_removed() -> None:
    text = update_config(
        FILE, {"cfn": {"metadata_url": None, "path": None, "secret_access_key": None}, "heat": {"a": None}}
    )

    assert text.endswith("\n[cfn]\ntimeout = 10\n")


def test_the_command_and_the_cache_are_protected() -> None:
    unsupported = {
        "command": "rm -rf /",
        "cachedir": "/tmp",
        "DEFAULT": {"command": "reboot"},
        "one-time": True,
    }

    text = update_config(FILE, unsupported)

    assert text == FILE.replace("[DEFAULT]\n", "[DEFAULT]\none_time = true\n")


@pytest.mark.parametrize(
    "unsupported",
    [
        {"cfn": {"path": "a\n[DEFAULT]\ncommand = reboot"}},
        {"cfn": {"path": ["fine", {"deep": 1}]}},
        {"cfn": {"pa\nth": "a"}},
        {"c]n": {"path": "a"}},
        {"cfn\n": {"path": "a"}},
        {"cfn": {}},
    ],
)
def test_values_that_the_format_cannot_hold_are_left_out(unsupported: dict[str, object]) -> None:
    assert update_config(FILE, unsupported) == FILE


VALUES = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"], include_characters=" "), max_size=20
)


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(value=VALUES, several=st.lists(VALUES, max_size=3))
def test_oslo_config_reads_heats_values_back(tmp_path: Path, value: str, several: list[str]) -> None:
    file = tmp_path / "os-collect-config.conf"
    file.write_text(update_config(FILE, {"collectors": several, "cfn": {"secret_access_key": value}}))

    conf = cfg.ConfigOpts()
    conf.register_opts([cfg.MultiStrOpt("collectors", default=[]), cfg.StrOpt("command")])
    conf.register_opts([cfg.StrOpt("secret-access-key")], group="cfn")
    conf([], default_config_files=[str(file)], default_config_dirs=[])

    assert conf.cfn.secret_access_key == value
    assert conf.collectors == several
    assert conf.command == "guestagent poke"
