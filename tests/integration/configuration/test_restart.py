"""The configuration of each real server: written, applied at once, and with a restart if required."""

from __future__ import annotations

import json
import signal
import subprocess

import pytest

from tests.support.agent_guest import build_source_document, format_worst_condition
from tests.support.guest_with_service import (
    STATIC_VARIABLE,
    GuestWithService,
    call_service_manager,
    get_configuration_text,
    get_option_group,
)

pytestmark = pytest.mark.timeout(900)


def test_the_first_pass_writes_the_file_and_sets_dynamic_variables_without_a_restart(
    guest: GuestWithService,
) -> None:
    report = guest.apply_variables()

    assert report["state"] == "ready", format_worst_condition(report)
    assert guest.service_calls == []
    assert guest.read_variable("innodb_buffer_pool_size") == str(128 * 2**20)
    assert (guest.read_variable("sync_binlog"), guest.read_variable("binlog_format")) == ("1", "ROW")
    assert "report_host = Master0000" in guest.option_file.read_text()
    assert "report_host (empty now)" in get_configuration_text(report)


def test_a_second_pass_changes_nothing(guest: GuestWithService) -> None:
    guest.apply_variables()
    before = guest.server.read_position(), guest.option_file.stat()

    assert guest.apply_variables()["state"] == "ready"

    assert (guest.server.read_position(), guest.option_file.stat()) == before


def test_every_option_is_in_force_after_a_restart(guest: GuestWithService) -> None:
    guest.apply_variables()
    call_service_manager(guest.server.folder, "restart")

    report = guest.apply_variables()

    assert report["state"] == "ready"
    assert "now" not in get_configuration_text(report)
    assert guest.read_variable("report_host") == "Master0000"
    assert guest.server.query_value("@@server_id") == "71"


def test_a_static_variable_restarts_once_and_a_dynamic_one_never(guest: GuestWithService) -> None:
    guest.apply_variables(**{STATIC_VARIABLE: 0}, wait_timeout=600)

    assert guest.service_calls == ["restart"]
    assert (guest.read_variable(STATIC_VARIABLE), guest.read_variable("wait_timeout")) == ("0", "600")
    guest.apply_variables(**{STATIC_VARIABLE: 0}, wait_timeout=700)
    assert guest.service_calls == ["restart"]
    assert guest.read_variable("wait_timeout") == "700"
    guest.apply_variables(**{STATIC_VARIABLE: 1}, wait_timeout=700)
    assert guest.service_calls == ["restart"] * 2
    guest.apply_variables(**{STATIC_VARIABLE: 1})
    assert guest.service_calls == ["restart"] * 2
    assert guest.read_variable("wait_timeout") == "28800"


@pytest.mark.patient
def test_removed_variables_return_to_their_previous_values(
    guest: GuestWithService,
) -> None:
    before = {
        name: guest.read_variable(name)
        for name in (STATIC_VARIABLE, "wait_timeout", "collation_server", "long_query_time")
    }
    (guest.option_file.parent / "10-mine.cnf").write_text(
        f"[{get_option_group(guest.server.flavour)}]\nthread_cache_size = 77\n"
    )
    call_service_manager(guest.server.folder, "restart")
    guest.apply_variables(
        **{STATIC_VARIABLE: 0},
        wait_timeout=600,
        thread_cache_size=9,
        collation_server="latin1_bin",
        long_query_time=3,
    )
    assert (guest.read_variable("wait_timeout"), guest.read_variable("thread_cache_size")) == ("600", "9")

    report = guest.apply_variables()

    assert report["state"] == "ready", format_worst_condition(report)
    assert {name: guest.read_variable(name) for name in before} == before
    assert guest.read_variable("thread_cache_size") == "77"
    assert guest.service_calls == ["restart"] * 2


def test_an_agent_killed_around_the_restart_converges(guest: GuestWithService) -> None:
    document = str(guest.write_document(build_source_document(Variables={STATIC_VARIABLE: 0})))
    with subprocess.Popen(
        guest.build_command("apply", "--no-signal", "--metadata", document), stderr=subprocess.PIPE
    ) as process:
        while "restart" not in guest.service_calls and process.poll() is None:
            pass
        process.send_signal(signal.SIGKILL)

    report = guest.apply_variables(**{STATIC_VARIABLE: 0})

    assert report["state"] == "ready", format_worst_condition(report)
    assert guest.read_variable(STATIC_VARIABLE) == "0"


def test_a_plan_shows_the_difference_and_the_restart(guest: GuestWithService) -> None:
    guest.apply_variables()
    document = str(guest.write_document(build_source_document(Variables={STATIC_VARIABLE: 0})))

    text = guest.run("plan", "--metadata", document).stdout
    steps = json.loads(guest.run("plan", "--json", "--metadata", document).stdout)["steps"]

    assert f"+{STATIC_VARIABLE} = 0" in text
    assert [step["kind"] for step in steps] == ["WriteOptions", "RestartServer"]
    assert guest.service_calls == []
