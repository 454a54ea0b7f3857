"""A replica that has logged what it does not know as applied."""

from __future__ import annotations

from dataclasses import replace

import pytest

from guestagent.agent.divergence import SourceIdentity
from guestagent.agent.model import ConditionState, ObservedState
from guestagent.agent.replaced_transaction import find_replaced_transaction
from guestagent.database.gtid_history import GtidHistory
from guestagent.database.state import ServerError, ServerState, UnrecordedGtids
from guestagent.database.steps import RecordPosition, StartChannel, Step, StopChannel
from tests.support.agent_states import (
    DIALECT,
    build_channel,
    build_desired_replica,
    build_history,
    build_memory,
    build_observed,
    build_server,
    build_source_state,
    judge_state,
    plan_allowed_steps,
)

STOPPED = build_channel(
    is_applier_running=False, applier_error=ServerError(1950, "out-of-order sequence number")
)
MISSING = UnrecordedGtids(build_history("0-7-4"), "0-7-5", "0-7-5")
KILLED = build_server("0-7-5", server_id=8, channel=STOPPED, unrecorded_gtids=MISSING)


def plan(observed: ObservedState) -> list[Step]:
    return list(plan_allowed_steps(build_desired_replica(), observed))


def test_what_the_source_has_under_its_own_id_is_recorded() -> None:
    assert plan(build_observed(KILLED, build_source_state("0-7-9"))) == [
        StopChannel(),
        RecordPosition("0-7-5", "0-7-5"),
        StartChannel(),
    ]


def test_what_can_be_recorded_is_no_failure() -> None:
    found = judge_state(
        build_desired_replica(), build_observed(KILLED, build_source_state("0-7-9")), build_memory(), DIALECT
    )

    assert not found.is_final


def test_a_channel_that_applies_is_left_alone() -> None:
    assert plan(build_observed(replace(KILLED, channel=build_channel()), build_source_state("0-7-9"))) == []


def test_nothing_is_recorded_before_the_source_was_seen() -> None:
    assert not any(isinstance(step, RecordPosition) for step in plan(build_observed(KILLED)))


def test_nothing_is_recorded_before_the_logs_were_compared() -> None:
    looked = replace(
        build_observed(KILLED, build_source_state("0-7-9")), comparison_pending_reason="no answer"
    )

    assert not any(isinstance(step, RecordPosition) for step in plan(looked))


def test_what_the_source_does_not_have_is_not_recorded() -> None:
    assert plan(build_observed(KILLED, build_source_state("0-7-4"))) == []


def test_what_is_logged_and_not_known_as_applied_does_not_count_as_history() -> None:
    observed = build_observed(replace(KILLED, channel=build_channel()), build_source_state("0-7-5"))

    found = judge_state(build_desired_replica(), observed, build_memory(), DIALECT)

    assert [each.state for each in found.conditions if each.name == "history"] == [ConditionState.PENDING]


def test_what_the_servers_own_recovery_logged_is_not_blamed_on_anybody() -> None:
    recovered = replace(MISSING, gtids="0-8-5", position="0-8-5", recovered_gtids="0-8-5", is_certain=True)
    state = replace(KILLED, history=build_history("0-7-4,0-8-5"), unrecorded_gtids=recovered)

    worst = judge_state(
        build_desired_replica(), build_observed(state, build_source_state("0-7-9")), build_memory(), DIALECT
    ).worst_condition

    assert (worst.name, worst.state) == ("history", ConditionState.FINAL)
    assert worst.actual.startswith("0-8-5, logged by the server's own recovery from a crash")
    assert plan(build_observed(state, build_source_state("0-7-9"))) == []


@pytest.mark.parametrize(("state", "compared"), [(KILLED, 1), (replace(KILLED, channel=build_channel()), 0)])
def test_the_logs_are_compared_before_anything_is_recorded(state: ServerState, compared: int) -> None:
    calls: list[tuple[str, str]] = []

    def compare(since: GtidHistory, until: GtidHistory) -> str:
        calls.append((str(since), str(until)))
        return "0-7-5"

    found = find_replaced_transaction(
        None, SourceIdentity("10.0.0.7", 3306), state, build_source_state("0-7-9"), compare
    )

    assert calls == [("0-7-4", "0-7-5")] * compared
    assert found == ("0-7-5" if compared else "")
