"""The command lines of a container."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from guestagent.embedded.containers.start_script import (
    ContainerPlan,
    build_agent_config,
    build_boot_command,
    build_exec_command,
    build_machine_id,
    build_nspawn_command,
    build_start_script,
)
from tests.support.container_guests import GUEST_ID, build_guest

PLAN = ContainerPlan(
    guest=build_guest(),
    folder=Path("/state/guests/one"),
    tree=Path("/trees/a b"),
    namespace=Path("/run/netns/guestagent-1"),
    cgroups=(Path("/sys/fs/cgroup/guestagent-1"),),
    datasource_options=("--bind-ro=/state/guests/one/drive:/config-drive",),
)


def test_the_script_mounts_the_disk_before_it_reports_and_then_boots() -> None:
    script = build_start_script(PLAN)

    order = [
        "cgroup.procs",
        "mount --bind '/trees/a b' tree",
        "mount -t overlay",
        "echo up",
        "systemd-nspawn --quiet",
    ]
    assert [script.index(text) for text in order] == sorted(script.index(text) for text in order)


def test_the_network_card_is_clean_at_every_boot() -> None:
    loop = build_start_script(PLAN).split("while :; do")[1]

    assert loop.index("address flush dev eth0") < loop.index("systemd-nspawn")


def test_the_guest_sees_its_drive_read_only_and_its_namespace() -> None:
    words = build_nspawn_command(PLAN)

    assert "--bind-ro=/state/guests/one/drive:/config-drive" in words
    assert "--network-namespace-path=/run/netns/guestagent-1" in words
    assert "--machine=db-slave0000-abcdef" in words


def test_a_command_in_the_guest_gets_its_python_and_none_of_our_environment() -> None:
    words = build_exec_command(4711, [sys.executable, "-c", "pass"])

    assert words[:3] == ("nsenter", "--target=4711", "--all")
    assert words[-3:] == ("/opt/guestagent/bin/python", "-c", "pass")
    assert words[words.index("env") + 1] == "-i"


def test_the_network_namespace_comes_before_everything_else() -> None:
    words = build_boot_command(PLAN.namespace, Path("/state/start.sh"))

    assert words[:2] == ("nsenter", "--net=/run/netns/guestagent-1")


@pytest.mark.parametrize(("memory_mb", "limited"), [(16, 64), (256, 256), (4096, 512)])
def test_the_agent_knows_the_memory_of_the_flavor_up_to_a_limit(memory_mb: int, limited: int) -> None:
    assert build_agent_config(memory_mb).endswith(f"[database]\nmemory_mb = {limited}\n")


def test_the_machine_id_is_that_of_the_instance() -> None:
    assert build_machine_id(GUEST_ID) == GUEST_ID
    assert build_machine_id("one") == build_machine_id("one") != build_machine_id("two")
