"""The content of a signal: evidence with a SUCCESS, the worst condition with a FAILURE. Pure."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import asdict

from guestagent.agent.model import Condition
from guestagent.agent.outcome import Report, Verdict
from guestagent.agent.seed_record import SeedRecord
from guestagent.agent.volume_condition import describe_volume
from guestagent.errors import InvalidMetadata
from guestagent.metadata import Document
from guestagent.signal.payload import SignalOutcome, SignalStatus


def choose_status(report: Report) -> SignalStatus:
    """Choose the status of the signal for a report that is READY or FAILED."""
    return SignalStatus.SUCCESS if report.verdict is Verdict.READY else SignalStatus.FAILURE


def build_outcome(document: Document, report: Report) -> SignalOutcome:
    """Build the signal for a report that is READY or FAILED."""
    node = f"{document.section.node or 'this node'} ({document.role})"
    if report.verdict is Verdict.READY:
        return SignalOutcome(SignalStatus.SUCCESS, f"{node} is ready", collect_evidence(document, report))
    late = f"not ready after {report.elapsed:.0f} s: " if report.is_late else ""
    return SignalOutcome(
        SignalStatus.FAILURE,
        f"{node}: {late}{report.readiness.worst_condition}",
        collect_evidence(document, report),
    )


def build_refusal_outcome(document: Document, error: InvalidMetadata) -> SignalOutcome:
    """Build the signal for an invalid document, with all its problems."""
    return SignalOutcome(
        SignalStatus.FAILURE, f"{document.section.node or 'this node'}: invalid metadata: {error}", {}
    )


def build_error_outcome(document: Document, reason: str) -> SignalOutcome:
    """Build the signal for a node that could not even be judged before the deadline."""
    return SignalOutcome(
        SignalStatus.FAILURE, f"{document.section.node or 'this node'} ({document.role}): {reason}", {}
    )


def describe_bug(error: Exception) -> str:
    """Describe an unexpected exception without its message, which may quote anything."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"a bug of guestagent: {type(error).__name__} at {frame.filename}:{frame.lineno}"


def collect_evidence(document: Document, report: Report) -> Mapping[str, object]:
    """Collect role, server, position and seconds by phase. Lag and position are those of the last observation."""
    server = report.server
    evidence: dict[str, object] = {
        "role": str(document.role),
        "node": document.section.node,
        "generation": document.section.generation,
        "seconds": report.phase_seconds,
        "conditions": {each.name: _format_condition(each) for each in report.readiness.conditions},
    }
    if server is not None:
        evidence |= {
            "family": server.history.family,
            "version": server.version,
            "server_id": server.server_id,
            "uuid": server.uuid,
            "gtid": str(server.history),
            "lag": server.channel.lag if server.channel else None,
        }
    volume = describe_volume(report.volume)
    if volume is not None:
        evidence["volume"] = volume
    if document.source is not None:
        evidence |= _describe_seed(report.seed)
    if report.data_size is not None:
        evidence |= asdict(report.data_size)
    return evidence


def _describe_seed(seed: SeedRecord | None) -> Mapping[str, object]:
    """Describe how the replica got its data: the method, and of a copy its bytes, position and seconds by phase."""
    if seed is None or not seed.is_done:
        return {"seeding": "replay"}
    copy = {"bytes": seed.bytes_done, "position": seed.position, "seconds": dict(seed.phase_seconds)}
    return {"seeding": seed.method, "seed": copy}


def _format_condition(condition: Condition) -> str:
    return f"{condition.state}: {condition.actual}"
