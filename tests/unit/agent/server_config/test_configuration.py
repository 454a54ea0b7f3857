"""The desired settings of a server, their option file, and how they come into force: pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from guestagent.agent.model import ConditionState
from guestagent.agent.server_config.change_state import ChangeState, Phase, SetAttempt
from guestagent.agent.server_config.conditions import judge_configuration
from guestagent.agent.server_config.error_log import extract_last_errors, find_blamed_settings
from guestagent.agent.server_config.option_file import build_diff, is_same_value, render_option_file
from guestagent.agent.server_config.plan import (
    ConfigurationSnapshot,
    plan_steps,
    select_known_settings,
)
from guestagent.agent.server_config.settings import Activation, RunningServer, ServerSetting, build_settings
from guestagent.agent.server_sizes.sizing import (
    HostResources,
    compute_buffer_pool,
    compute_max_connections,
    compute_redo_log,
)
from guestagent.byte_units import GIB, MIB

MARIADB = RunningServer("mariadb", (10, 11, 14))
MYSQL = RunningServer("mysql", (9, 7, 4))
SMALL = HostResources(2 * GIB, 20 * GIB)


def build_values(
    server: RunningServer = MARIADB, machine: HostResources = SMALL, **asked: Any
) -> dict[str, str]:
    return {each.name: each.value for each in build_settings(machine, server, 7, "Slave0000", asked)}


@pytest.mark.parametrize(
    ("memory_mb", "pool_mb", "redo_mb", "most"),
    [
        (256, 32, 16, 100),
        (512, 128, 32, 100),
        (1024, 384, 96, 100),
        (2048, 896, 224, 150),
        (4096, 1920, 480, 300),
        (8192, 4608, 1152, 600),
        (16384, 9984, 2496, 1200),
        (65536, 47104, 8192, 4000),
        (262144, 204416, 8192, 4000),
        (1048576, 833536, 8192, 4000),
    ],
)
def test_sizes_follow_the_memory(memory_mb: int, pool_mb: int, redo_mb: int, most: int) -> None:
    machine = HostResources(memory_mb * MIB, 1000 * GIB)

    assert (
        compute_buffer_pool(machine) // MIB,
        compute_redo_log(machine) // MIB,
        compute_max_connections(machine),
    ) == (pool_mb, redo_mb, most)


def test_more_memory_never_means_less_of_anything() -> None:
    machines = [HostResources(mb * MIB, 100 * GIB) for mb in range(128, 2**17, 97)]

    for size in (compute_buffer_pool, compute_redo_log, compute_max_connections):
        sizes = [size(machine) for machine in machines]
        assert sizes == sorted(sizes)
    assert all(compute_buffer_pool(machine) <= machine.memory * 4 // 5 for machine in machines)


@pytest.mark.parametrize(("disk_gb", "redo_mb"), [(0, 16), (1, 48), (10, 512), (1000, 8192)])
def test_the_redo_log_takes_little_of_the_disk(disk_gb: int, redo_mb: int) -> None:
    assert compute_redo_log(HostResources(256 * GIB, disk_gb * GIB)) // MIB == redo_mb


def test_each_family_gets_its_own_variable_names() -> None:
    mariadb, mysql, older = (
        build_values(),
        build_values(MYSQL),
        build_values(RunningServer("mysql", (8, 0, 23))),
    )

    assert mariadb["gtid_strict_mode"] == mysql["gtid_mode"] == "ON"
    assert {
        "slave_parallel_threads",
        "skip_slave_start",
        "log_slave_updates",
        "innodb_log_file_size",
    } <= mariadb.keys()
    assert {
        "replica_parallel_workers",
        "skip_replica_start",
        "log_replica_updates",
        "super_read_only",
    } <= mysql.keys()
    assert "innodb_redo_log_capacity" in mysql.keys() - older.keys()
    assert {"slave_parallel_workers", "innodb_log_file_size"} <= older.keys()
    assert not {"gtid_mode", "super_read_only"} & mariadb.keys()


def test_logs_in_use_keep_their_names() -> None:
    named = build_values(replace(MARIADB, binary_log="db1-bin", relay_log="db1-relay"))

    assert (named["log_bin"], named["relay_log"]) == ("db1-bin", "db1-relay")
    assert (build_values()["log_bin"], build_values()["relay_log"]) == ("binlog", "relay")


def test_the_document_overrides_the_agents_settings() -> None:
    list_steps = build_settings(
        SMALL, MARIADB, 7, "n", {"innodb_buffer_pool_size": "1G", "performance_schema": True}
    )

    found = {each.name: each for each in list_steps}
    assert (found["innodb_buffer_pool_size"].value, found["innodb_buffer_pool_size"].is_requested) == (
        str(GIB),
        True,
    )
    assert (found["performance_schema"].value, found["performance_schema"].activation) == (
        "ON",
        Activation.RESTART,
    )


def test_the_file_has_a_reason_for_each_line_and_is_reproducible() -> None:
    list_steps = render_option_file("mariadb", build_settings(SMALL, MARIADB, 7, "Slave0000", {}))

    lines = list_steps.splitlines()
    assert "[mariadbd]" in lines
    assert "server_id = 7" in lines
    assert all(
        lines[at - 1].startswith("# ") for at, line in enumerate(lines) if " = " in line and line[0] != "#"
    )
    assert list_steps == render_option_file("mariadb", build_settings(SMALL, MARIADB, 7, "Slave0000", {}))
    assert "[mysqld]" in render_option_file("mysql", build_settings(SMALL, MYSQL, 7, "n", {}))


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("ON", "1"),
        ("OFF", "off"),
        ("0.500000", "0.5"),
        ("A,B", "b,a"),
        ("", ""),
        ("conservative", "CONSERVATIVE"),
    ],
)
def test_different_spellings_of_a_value_are_equal(expected: str, actual: str) -> None:
    assert is_same_value(expected, actual)
    assert not is_same_value(expected, "other")


STATIC = ServerSetting("performance_schema", "ON", "why", Activation.RESTART, is_requested=True)
LIVE = ServerSetting("wait_timeout", "60", "why", Activation.AT_ONCE, is_requested=True)
LATER = ServerSetting("report_host", "n", "why", Activation.NEXT_START)
RIGHT = {"performance_schema": "ON", "wait_timeout": "60", "report_host": "n"}


def build_snapshot(
    record: ChangeState | None = None, before: str | None = "new", asked: str = "{}", **running: str
) -> ConfigurationSnapshot:
    """A server with the desired settings, except for those in `running`."""
    return ConfigurationSnapshot(
        "/f", before, "new", (STATIC, LIVE, LATER), {**RIGHT, **running}, record or ChangeState(), asked
    )


def list_steps(at: ConfigurationSnapshot) -> list[str]:
    return [str(step) for step in plan_steps(at)]


def format_condition(at: ConfigurationSnapshot) -> str:
    found = judge_configuration(at)
    return f"{found.state}: {found.actual}"


def test_a_correct_configuration_needs_no_steps() -> None:
    assert list_steps(build_snapshot()) == []
    assert judge_configuration(build_snapshot()).state is ConditionState.HELD


def test_the_file_comes_first_and_the_restart_last() -> None:
    at = build_snapshot(before="old", performance_schema="OFF", wait_timeout="28800", report_host="")

    assert list_steps(at) == [
        "write the option file /f",
        "set wait_timeout to 60",
        "restart the database server for performance_schema",
    ]
    assert judge_configuration(at).state is ConditionState.PENDING


def test_a_setting_for_the_next_start_is_reported_without_a_restart() -> None:
    at = build_snapshot(report_host="")

    assert list_steps(at) == []
    assert format_condition(at) == "held: 3 settings; with the server's next start: report_host (empty now)"


def test_a_ready_node_is_restarted_only_for_other_variables() -> None:
    same_ones, others = ChangeState(proved="{}"), ChangeState(proved='{"performance_schema": false}')

    assert list_steps(build_snapshot(same_ones, performance_schema="OFF")) == []
    assert (
        format_condition(build_snapshot(same_ones, performance_schema="OFF"))
        == "pending: performance_schema = OFF"
    )
    assert list_steps(build_snapshot(others, performance_schema="OFF")) == [
        "restart the database server for performance_schema"
    ]


def test_a_restart_that_did_not_help_is_final_and_not_repeated() -> None:
    at = build_snapshot(ChangeState(Phase.APPLIED, text="new"), performance_schema="OFF")

    assert list_steps(at) == []
    assert format_condition(at) == "final: performance_schema = OFF"
    assert judge_configuration(at).expected == "performance_schema = ON"


def test_a_refused_file_is_not_written_again() -> None:
    record = ChangeState(Phase.REFUSED, text="new", why="the error log")
    at = build_snapshot(record, before="old", performance_schema="OFF")

    assert list_steps(at) == []
    assert format_condition(at) == "final: the error log"
    assert list_steps(replace(at, text="newer")) == [
        "write the option file /f",
        "restart the database server for performance_schema",
    ]


def test_a_rejected_value_is_reported_and_not_set_again() -> None:
    record = ChangeState(tried={"wait_timeout": SetAttempt("60", "1231, can't be set")})
    at = build_snapshot(record, wait_timeout="30")

    assert list_steps(at) == []
    assert format_condition(at) == "final: wait_timeout = 30 (the server reports 1231, can't be set)"
    assert list_steps(
        build_snapshot(ChangeState(tried={"wait_timeout": SetAttempt("61")}), wait_timeout="30")
    ) == ["set wait_timeout to 60"]


def test_the_file_has_no_variable_of_another_family() -> None:
    strange = ServerSetting("innodb_redo_log_capacity", "1", "why", Activation.AT_ONCE, is_requested=True)
    at = replace(build_snapshot(), settings=(STATIC, strange))

    assert select_known_settings(at.settings, RIGHT) == (STATIC,)
    assert format_condition(at) == "final: it has none of the name innodb_redo_log_capacity"


def test_the_diff_shows_only_the_changed_lines() -> None:
    assert build_diff("a = 1\nb = 2\n", "a = 1\nb = 3\n", "/f").splitlines()[2:] == [
        "@@ -2 +2 @@",
        "-b = 2",
        "+b = 3",
    ]


LOG = """\
2026-11-25 22:40:01 0 [Note] Starting MariaDB 10.11.14-MariaDB
2026-11-25 22:40:01 0 [ERROR] /usr/sbin/mariadbd: unknown variable 'back_log=99999999999'
2026-11-25 22:40:01 0 [ERROR] Aborting
"""


def test_the_last_errors_of_a_server_name_the_variable() -> None:
    words = extract_last_errors("", LOG)

    assert words == "unknown variable 'back_log=99999999999'"
    assert find_blamed_settings(words, "a = 1\n", "a = 2\nback_log = 99999999999\n") == ("back_log",)
    assert find_blamed_settings("out of memory", "a = 1\nb = 1\n", "a = 2\nb = 1\n") == ("a",)
    assert extract_last_errors("all is well") == ""


def test_a_log_that_the_new_file_has_closed_does_not_hide_the_reason() -> None:
    former_errors = "2026-11-24 10:00:00 0 [ERROR] Can't start server: Bind on TCP/IP port"

    assert extract_last_errors(LOG, former_errors) == "unknown variable 'back_log=99999999999'"
