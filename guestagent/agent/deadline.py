"""The deadline: the seconds of work on one task after which a node that is not ready has failed.

The seconds are those in which the machine ran. The journal counts them across restarts of the agent.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from guestagent.agent.journal import Journal
from guestagent.metadata import Document
from guestagent.signal import SignalRecord, SignalStatus


def compute_daemon_deadline(
    document: Document,
    record: SignalRecord | None,
    journal: Journal,
    task: str,
    *,
    is_sending_failure: Callable[[], bool],
) -> float:
    """Return the seconds after which a node that is not ready has failed.

    The deadline no longer applies once the node was ready, or Heat has accepted or rejected a signal: drift repair has
    no time limit. A pending FAILURE that was repaired in the meantime may become true again at the deadline.
    """
    deadline = float(document.section.deadline)
    if record is None:
        return deadline
    if record.pending is None or record.pending.outcome.status is SignalStatus.SUCCESS:
        journal.record_outcome(task)
        return math.inf
    is_over = journal.get_task_seconds(task) >= deadline
    return math.inf if is_over and is_sending_failure() else deadline


def compute_apply_deadline(document: Document, journal: Journal, task: str, *, has_deadline: bool) -> float:
    """Return the deadline of the generation while its handle waits for a signal; otherwise one that begins now."""
    elapsed = 0.0 if has_deadline else journal.get_task_seconds(task)
    return elapsed + document.section.deadline
