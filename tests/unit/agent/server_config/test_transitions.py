"""The phases of a change of the option file: what each event makes of the state."""

from __future__ import annotations

from dataclasses import replace

import pytest

from guestagent.agent.server_config.change_state import ChangeState, Phase, SetAttempt
from guestagent.agent.server_config.transitions import (
    ChangeContext,
    Event,
    FileWritten,
    NewFileFailed,
    NodeReady,
    RestartBegun,
    RestartFailed,
    ServerAnswered,
    ServerSilent,
    StartBegun,
    StartEnded,
    VariableSet,
    advance_change,
    is_start_due,
)

CONTEXT = ChangeContext("mariadb", "/f", "new", "socket 1", "/log", 10.0, "boot 1")
SAME, OTHER = ServerAnswered(is_same_instance=True), ServerAnswered(is_same_instance=False)
SILENT, REBOOTED = ServerSilent(50.0, "boot 1"), ServerSilent(5.0, "boot 2")
WRITTEN = FileWritten(CONTEXT, "old", {})


@pytest.mark.parametrize(
    ("events", "phase"),
    [
        ([WRITTEN], Phase.WRITTEN),
        ([WRITTEN, SAME], Phase.WRITTEN),
        ([WRITTEN, OTHER], Phase.APPLIED),
        ([WRITTEN, SILENT], Phase.WRITTEN),
        ([WRITTEN, REBOOTED], Phase.RESTARTING),
        ([WRITTEN, RestartBegun(CONTEXT)], Phase.RESTARTING),
        ([WRITTEN, RestartBegun(CONTEXT), OTHER], Phase.APPLIED),
        ([WRITTEN, RestartBegun(CONTEXT), SAME], Phase.WRITTEN),
        ([WRITTEN, RestartBegun(CONTEXT), RestartFailed("job failed"), SAME], Phase.APPLIED),
        ([WRITTEN, RestartBegun(CONTEXT), NewFileFailed("job failed")], Phase.RESTORING),
        ([WRITTEN, RestartBegun(CONTEXT), NewFileFailed("job failed"), StartEnded("")], Phase.RESTORING),
        ([WRITTEN, RestartBegun(CONTEXT), NewFileFailed("job failed"), OTHER], Phase.REFUSED),
        ([WRITTEN, RestartBegun(CONTEXT), NewFileFailed("job failed"), SILENT], Phase.RESTORING),
    ],
)
def test_events_lead_to_a_phase(events: list[Event], phase: Phase) -> None:
    assert advance_all(ChangeState(), events).phase is phase


@pytest.mark.parametrize("phase", [Phase.NONE, Phase.APPLIED, Phase.REFUSED])
def test_an_answer_changes_nothing_outside_a_change(phase: Phase) -> None:
    state = ChangeState(phase)

    assert advance_all(state, [SAME, OTHER, SILENT, REBOOTED]) == state


def test_the_file_to_restore_is_the_last_one_that_a_server_ran_with() -> None:
    once = advance_all(ChangeState(), [WRITTEN])
    twice = advance_all(once, [FileWritten(replace(CONTEXT, text="newer"), "new", {})])
    restarted = advance_all(twice, [RestartBegun(replace(CONTEXT, text="newer"))])

    assert (once.previous, twice.previous, restarted.previous) == ("old", "old", "old")
    assert (twice.last, twice.text) == ("new", "newer")


def test_a_state_of_an_older_version_names_no_boot_and_may_be_of_this_one() -> None:
    state = ChangeState(Phase.WRITTEN)

    assert advance_all(state, [REBOOTED]) == state


@pytest.mark.parametrize(
    ("starts", "seconds", "boot_id", "is_due"),
    [
        (0, 0.9, "boot 1", False),
        (0, 1.0, "boot 1", True),
        (3, 7.9, "boot 1", False),
        (3, 8.0, "boot 1", True),
        (99, 60.0, "boot 1", True),
        (99, 0.0, "boot 2", True),
    ],
)
def test_starts_with_the_previous_file_become_rarer(
    starts: int, seconds: float, boot_id: str, is_due: bool
) -> None:
    state = advance_all(ChangeState(starts=starts), [StartBegun(100.0, "boot 1")])

    assert is_start_due(state, 100.0 + seconds, boot_id) is is_due


def test_a_start_is_counted_with_its_error() -> None:
    state = advance_all(ChangeState(), [StartEnded("job failed"), StartEnded("")])

    assert (state.starts, state.failure) == (2, "")


@pytest.mark.parametrize(
    ("event", "tried", "originals"),
    [
        (VariableSet("sync_binlog", "1", "1", ""), {}, {}),
        (VariableSet("sync_binlog", "ON", "1", ""), {}, {}),
        (VariableSet("sync_binlog", "2", "1", ""), {"sync_binlog": SetAttempt("2", "")}, {}),
        (VariableSet("sync_binlog", "2", "1", "1231, no"), {"sync_binlog": SetAttempt("2", "1231, no")}, {}),
        (VariableSet("sync_binlog", "DEFAULT", "0", ""), {}, {"sync_binlog": "0"}),
    ],
)
def test_a_value_that_the_server_did_not_accept_is_recorded(
    event: Event, tried: dict[str, SetAttempt], originals: dict[str, str]
) -> None:
    state = advance_all(ChangeState(tried={"sync_binlog": SetAttempt("7")}), [event])

    assert (state.tried, state.originals) == (tried, originals)


def test_a_ready_node_forgets_the_originals_of_variables_that_have_gone_back() -> None:
    state = ChangeState(originals={"wait_timeout": "60", "back_log": None})

    ready = advance_all(state, [NodeReady("{}", frozenset({"back_log"}))])

    assert (ready.proved, ready.originals) == ("{}", {"back_log": None})


def advance_all(state: ChangeState, events: list[Event]) -> ChangeState:
    for event in events:
        state = advance_change(state, event)
    return state
