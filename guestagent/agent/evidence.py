"""What a signal carries: evidence with a SUCCESS, the worst condition with a FAILURE. Pure."""

from __future__ import annotations

import traceback
from collections.abc import Mapping

from guestagent.agent.edges import Report, Verdict
from guestagent.agent.model import Condition
from guestagent.errors import InvalidMetadata
from guestagent.metadata import Document
from guestagent.signal import Outcome, Status


def status_of(report: Report) -> Status:
    """The status with which a report that is READY or FAILED is signalled."""
    return Status.SUCCESS if report.verdict is Verdict.READY else Status.FAILURE


def outcome(document: Document, report: Report) -> Outcome:
    """What the handle is told of a report that is READY or FAILED."""
    who = f"{document.section.node or 'this node'} ({document.role})"
    if report.verdict is Verdict.READY:
        return Outcome(Status.SUCCESS, f"{who} is ready", evidence(document, report))
    late = f"not ready after {report.elapsed:.0f} s: " if report.late else ""
    return Outcome(Status.FAILURE, f"{who}: {late}{report.readiness.worst}", evidence(document, report))


def refused(document: Document, error: InvalidMetadata) -> Outcome:
    """What the handle of an invalid document is told: every problem of it."""
    return Outcome(Status.FAILURE, f"{document.section.node or 'this node'}: invalid metadata: {error}", {})


def stumbled(document: Document, why: str) -> Outcome:
    """What the handle is told where not even a judgement was possible until the deadline."""
    return Outcome(Status.FAILURE, f"{document.section.node or 'this node'} ({document.role}): {why}", {})


def bug(error: Exception) -> str:
    """An exception that nobody expected, in words that hold nothing of it: its message may quote anything."""
    at = traceback.extract_tb(error.__traceback__)[-1]
    return f"a bug of guestagent: {type(error).__name__} at {at.filename}:{at.lineno}"


def evidence(document: Document, report: Report) -> Mapping[str, object]:
    """Role, server and position, and where the seconds went; lag and position are what they were at the last look."""
    server = report.server
    seen: dict[str, object] = {
        "role": str(document.role),
        "node": document.section.node,
        "generation": document.section.generation,
        "seconds": report.seconds,
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
    return f"{condition.agreement}: {condition.seen}"
