"""Decides whether an outcome is sent, held back or left alone, from what the handle knows and the last look. Pure."""

from __future__ import annotations

from enum import Enum, auto

from guestagent.signal import SignalRecord, SignalStatus


class Decision(Enum):
    """What to do about the handle after a look at the server."""

    SEND = auto()
    """Send the present outcome; it replaces a pending one."""
    HOLD = auto()
    """Send nothing: neither outcome is true now. What is pending stays in the spool."""
    KEEP = auto()
    """Nothing to do: the handle has accepted or refused an outcome, and the present one changes nothing."""


def decide_signal(
    record: SignalRecord | None, status: SignalStatus | None, *, late: bool = False
) -> Decision:
    """Compare what is known of the handle with the outcome that a look has just confirmed.

    `status` is None while the node is not ready but may still become so. `late`: a FAILURE because the deadline is
    over. It never replaces a pending SUCCESS, because a node that was ready in time may heal.
    """
    if record is not None and record.pending is not None:
        was_ready = record.pending.outcome.status is SignalStatus.SUCCESS
        return Decision.HOLD if status is None or (late and was_ready) else Decision.SEND
    if status is None:
        return Decision.HOLD
    newest = None if record is None else record.given_up or record.accepted
    if newest is None:
        return Decision.SEND
    is_repaired = status is SignalStatus.SUCCESS and newest.outcome.status is SignalStatus.FAILURE
    return Decision.SEND if is_repaired else Decision.KEEP
