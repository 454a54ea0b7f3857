"""The decision to send an outcome, to hold it back, or to leave it."""

from __future__ import annotations

import pytest

from guestagent.agent.signal_decision import Decision, decide_signal
from guestagent.signal import DeliveryRecord, SignalRecord, SignalStatus
from tests.support.signal_handles import build_entry, build_failure, build_success

SUCCESS, FAILURE = SignalStatus.SUCCESS, SignalStatus.FAILURE
SEND, HOLD, KEEP = Decision.SEND, Decision.HOLD, Decision.KEEP
PENDING_RECORDS = {
    SUCCESS: SignalRecord("k", build_entry(build_success())),
    FAILURE: SignalRecord("k", build_entry(build_failure())),
}


@pytest.mark.parametrize(("status", "decision"), [(SUCCESS, SEND), (FAILURE, SEND), (None, HOLD)])
def test_a_first_outcome_is_sent(status: SignalStatus | None, decision: Decision) -> None:
    assert decide_signal(None, status) is decision


@pytest.mark.parametrize("pending", [SUCCESS, FAILURE])
@pytest.mark.parametrize(("status", "decision"), [(SUCCESS, SEND), (FAILURE, SEND), (None, HOLD)])
def test_a_pending_outcome_is_replaced_by_the_present_one(
    pending: SignalStatus, status: SignalStatus | None, decision: Decision
) -> None:
    assert decide_signal(PENDING_RECORDS[pending], status) is decision


@pytest.mark.parametrize(("pending", "decision"), [(SUCCESS, HOLD), (FAILURE, SEND)])
def test_a_deadline_does_not_turn_a_pending_success_into_a_failure(
    pending: SignalStatus, decision: Decision
) -> None:
    assert decide_signal(PENDING_RECORDS[pending], FAILURE, late=True) is decision


@pytest.mark.parametrize(
    ("accepted", "status", "decision"),
    [(SUCCESS, SUCCESS, KEEP), (SUCCESS, FAILURE, KEEP), (FAILURE, FAILURE, KEEP), (FAILURE, SUCCESS, SEND)],
)
def test_an_accepted_outcome_is_replaced_only_by_a_repair(
    accepted: SignalStatus, status: SignalStatus, decision: Decision
) -> None:
    outcome = build_success() if accepted is SUCCESS else build_failure()

    assert decide_signal(SignalRecord("k", accepted=DeliveryRecord(outcome, "today")), status) is decision
