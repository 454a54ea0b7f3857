"""Servers without a binary log: the agent enables it if the server is empty."""

from __future__ import annotations

import pytest

from tests.support.agent_guest import format_worst_condition, write_despite_read_only
from tests.support.guest_with_service import GuestWithService

pytestmark = pytest.mark.timeout(900)


def test_the_binary_log_of_an_empty_server_is_enabled(unlogged_guest: GuestWithService) -> None:
    report = unlogged_guest.apply_variables()

    assert (report["state"], unlogged_guest.service_calls) == ("ready", ["restart"])
    assert {
        name: unlogged_guest.read_variable(name) for name in unlogged_guest.cases.log_variables
    } == unlogged_guest.cases.log_variables


def test_a_server_with_data_and_no_binary_log_is_not_changed(unlogged_guest: GuestWithService) -> None:
    write_despite_read_only(unlogged_guest.server, "CREATE DATABASE mine")

    report = unlogged_guest.apply_variables()

    assert format_worst_condition(report) == unlogged_guest.cases.refusal
    assert (unlogged_guest.service_calls, unlogged_guest.option_file.exists()) == ([], False)
