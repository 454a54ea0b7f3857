"""Options with which a server does not start, or which it does not take over."""

from __future__ import annotations

import pytest

from tests.support import fake_systemctl
from tests.support.agent_guest import build_source_document, format_worst_condition
from tests.support.guest_with_service import (
    PASS_DEADLINE_S,
    STATIC_VARIABLE,
    GuestWithService,
    call_service_manager,
    get_option_group,
)

pytestmark = pytest.mark.timeout(900)


def test_a_file_with_which_the_server_does_not_start_is_reverted(guest: GuestWithService) -> None:
    guest.apply_variables()
    call_service_manager(guest.server.folder, "restart")
    guest.apply_variables()
    before = guest.option_file.read_text()

    report = guest.apply_variables(bind_address="no.such.host.invalid")

    assert report["state"] == "failed"
    message = "variable: bind_address; last error log lines: Can't create IP socket"
    assert message in format_worst_condition(report), format_worst_condition(report)
    assert guest.option_file.read_text() == before
    assert guest.server.query_value("1") == "1"
    restarts = guest.service_calls
    assert format_worst_condition(
        guest.apply_variables(bind_address="no.such.host.invalid")
    ) == format_worst_condition(report)
    assert guest.service_calls == restarts
    assert guest.apply_variables(bind_address="127.0.0.1")["state"] == "ready"


def test_a_server_that_did_not_start_at_the_boot_fails_with_its_own_last_words(
    guest: GuestWithService,
) -> None:
    guest.apply_variables()
    fake_systemctl.stop(guest.server.folder)
    broken_file = guest.option_file.parent / "99-mine.cnf"
    broken_file.write_text(f"[{get_option_group(guest.server.flavour)}]\nno_such_variable = 1\n")
    fake_systemctl.start(guest.server.folder)

    report = guest.apply(build_source_document(Deadline=1))

    assert report["state"] == "failed"
    assert "; the server's last errors: " in format_worst_condition(report), format_worst_condition(report)
    assert "no_such_variable" in format_worst_condition(report)


@pytest.mark.patient
def test_a_server_that_also_fails_with_the_previous_file_is_started_after_a_repair(
    guest: GuestWithService,
) -> None:
    guest.apply_variables()
    broken_file = guest.option_file.parent / "99-mine.cnf"
    broken_file.write_text(f"[{get_option_group(guest.server.flavour)}]\nno_such_variable = 1\n")
    document = build_source_document(Variables={STATIC_VARIABLE: 0}, Deadline=20)

    report = guest.apply(document)
    broken_file.unlink()
    second_report = guest.apply(
        {**document, "GuestAgent": {**document["GuestAgent"], "Deadline": PASS_DEADLINE_S}}
    )

    assert format_worst_condition(report).startswith(
        "configuration: pending: it does not start with that file either"
    ), format_worst_condition(report)
    assert "no_such_variable" in format_worst_condition(report)
    assert guest.server.query_value("1") == "1"
    assert format_worst_condition(second_report).startswith(
        "configuration: final: the server did not start with it"
    ), format_worst_condition(second_report)
    assert guest.service_calls[:2] == ["restart"] * 2
    assert set(guest.service_calls[2:]) == {"start"}


def test_a_variable_that_another_file_sets_is_final_and_restarts_once(guest: GuestWithService) -> None:
    (guest.option_file.parent / "99-mine.cnf").write_text(
        f"[{get_option_group(guest.server.flavour)}]\nback_log = 99\n"
    )

    report = guest.apply_variables(back_log=88)

    assert format_worst_condition(report) == "configuration: final: back_log = 99"
    assert guest.service_calls == ["restart"]
    assert guest.apply_variables(back_log=88)["state"] == "failed"
    assert guest.service_calls == ["restart"]


def test_a_variable_of_the_other_family_is_named(guest: GuestWithService) -> None:
    name, value = guest.cases.foreign_variable

    report = guest.apply_variables(**{name: value})

    assert format_worst_condition(report) == f"configuration: final: it has none of the name {name}"
    assert guest.service_calls == []


def test_a_value_that_the_server_adjusts_is_named(guest: GuestWithService) -> None:
    report = guest.apply_variables(max_binlog_size=5000)

    message = "(the server reports 1231, Variable 'max_binlog_size' can't be set to the value of '5000')"
    assert format_worst_condition(report).startswith(
        f"configuration: final: max_binlog_size = 1073741824 {message}"
    )
