"""When an outcome is sent, held back or left alone."""

from __future__ import annotations

import pytest

from guestagent.agent.signal_decision import Decision, decide
from guestagent.signal import Record, Said, Status
from tests.unit.signal.handles import entry, failure, success

SUCCESS, FAILURE = Status.SUCCESS, Status.FAILURE
SEND, HOLD, KEEP = Decision.SEND, Decision.HOLD, Decision.KEEP
WAITING = {SUCCESS: Record("k", entry(success())), FAILURE: Record("k", entry(failure()))}


@pytest.mark.parametrize(("status", "decision"), [(SUCCESS, SEND), (FAILURE, SEND), (None, HOLD)])
def test_a_first_outcome_is_sent(status: Status | None, decision: Decision) -> None:
    assert decide(None, status) is decision


@pytest.mark.parametrize("pending", [SUCCESS, FAILURE])
@pytest.mark.parametrize(("status", "decision"), [(SUCCESS, SEND), (FAILURE, SEND), (None, HOLD)])
def test_what_is_pending_gives_way_to_what_is_true(
    pending: Status, status: Status | None, decision: Decision
) -> None:
    assert decide(WAITING[pending], status) is decision


@pytest.mark.parametrize(("pending", "decision"), [(SUCCESS, HOLD), (FAILURE, SEND)])
def test_a_deadline_that_is_over_does_not_turn_a_pending_success_into_a_failure(
    pending: Status, decision: Decision
) -> None:
    assert decide(WAITING[pending], FAILURE, late=True) is decision


@pytest.mark.parametrize(
    ("accepted", "status", "decision"),
    [(SUCCESS, SUCCESS, KEEP), (SUCCESS, FAILURE, KEEP), (FAILURE, FAILURE, KEEP), (FAILURE, SUCCESS, SEND)],
)
def test_what_the_handle_has_taken_is_only_repaired(
    accepted: Status, status: Status, decision: Decision
) -> None:
    outcome = success() if accepted is SUCCESS else failure()

    assert decide(Record("k", accepted=Said(outcome, "today")), status) is decision
