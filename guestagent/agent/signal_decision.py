"""The decision what to signal, from the record of the handle and the last observation of the server. Pure."""

from __future__ import annotations

from enum import Enum, auto

from guestagent.signal.payload import SignalOutcome, SignalStatus
from guestagent.signal.record import SignalRecord


class Decision(Enum):
    """The action after an observation of the server."""

    SEND = auto()
    """Send the present outcome; it replaces a pending one."""
    HOLD = auto()
    """Send nothing: neither outcome is true now. What is pending stays in the spool."""
    KEEP = auto()
    """Nothing to do: the handle has accepted or rejected an outcome, and the present one changes nothing."""


def decide_signal(
    record: SignalRecord | None, status: SignalStatus | None, *, late: bool = False
) -> Decision:
    """Compare the record of the handle with the outcome that an observation has just confirmed.

    `status` is None while the node is not ready but may still become so. `late`: a FAILURE because the deadline is
    over. It never replaces a pending SUCCESS, because a node that was ready in time may heal.
    """
    if record is not None and record.pending is not None:
        was_ready = record.pending.outcome.status is SignalStatus.SUCCESS
        return Decision.HOLD if status is None or (late and was_ready) else Decision.SEND
    if status is None:
        return Decision.HOLD
    outcome = find_newest_outcome(record)
    if outcome is None:
        return Decision.SEND
    is_repaired = status is SignalStatus.SUCCESS and outcome.status is SignalStatus.FAILURE
    return Decision.SEND if is_repaired else Decision.KEEP


def find_newest_outcome(record: SignalRecord | None) -> SignalOutcome | None:
    """Return the newest outcome for the handle, delivered or not; None if there is none yet."""
    newest = None if record is None else record.pending or record.given_up or record.accepted
    return None if newest is None else newest.outcome
