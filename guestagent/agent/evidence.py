"""What a signal carries: evidence with a SUCCESS, the worst condition with a FAILURE. Pure."""

from __future__ import annotations

import traceback
from collections.abc import Mapping

from guestagent.agent.dependencies import Report, Verdict
from guestagent.agent.model import Condition
from guestagent.errors import InvalidMetadata
from guestagent.metadata import Document
from guestagent.signal import SignalOutcome, SignalStatus


def choose_status(report: Report) -> SignalStatus:
    """The status with which a report that is READY or FAILED is signalled."""
    return SignalStatus.SUCCESS if report.verdict is Verdict.READY else SignalStatus.FAILURE


def build_outcome(document: Document, report: Report) -> SignalOutcome:
    """What the handle is told of a report that is READY or FAILED."""
    who = f"{document.section.node or 'this node'} ({document.role})"
    if report.verdict is Verdict.READY:
        return SignalOutcome(SignalStatus.SUCCESS, f"{who} is ready", collect_evidence(document, report))
    late = f"not ready after {report.elapsed:.0f} s: " if report.is_late else ""
    return SignalOutcome(
        SignalStatus.FAILURE,
        f"{who}: {late}{report.readiness.worst_condition}",
        collect_evidence(document, report),
    )


def build_refusal_outcome(document: Document, error: InvalidMetadata) -> SignalOutcome:
    """What the handle of an invalid document is told: every problem of it."""
    return SignalOutcome(
        SignalStatus.FAILURE, f"{document.section.node or 'this node'}: invalid metadata: {error}", {}
    )


def build_error_outcome(document: Document, why: str) -> SignalOutcome:
    """What the handle is told where not even a judgement was possible until the deadline."""
    return SignalOutcome(
        SignalStatus.FAILURE, f"{document.section.node or 'this node'} ({document.role}): {why}", {}
    )


def describe_bug(error: Exception) -> str:
    """An exception that nobody expected, in words that hold nothing of it: its message may quote anything."""
    at = traceback.extract_tb(error.__traceback__)[-1]
    return f"a bug of guestagent: {type(error).__name__} at {at.filename}:{at.lineno}"


def collect_evidence(document: Document, report: Report) -> Mapping[str, object]:
    """Role, server and position, and where the seconds went; lag and position are what they were at the last look."""
    server = report.server
    seen: dict[str, object] = {
        "role": str(document.role),
        "node": document.section.node,
        "generation": document.section.generation,
        "seconds": report.phase_seconds,
        "conditions": {c.name: _told(c) for c in report.readiness.conditions},
    }
    if server is not None:
        seen |= {
            "family": server.history.family,
            "version": server.version,
            "server_id": server.server_id,
            "uuid": server.uuid,
            "gtid": str(server.history),
            "lag": server.channel.lag if server.channel else None,
        }
    if document.source is not None:
        seen["seeding"] = "replay"
    return seen


def _told(condition: Condition) -> str:
    return f"{condition.state}: {condition.actual}"
