"""The whole report, causes before what follows from them."""

from __future__ import annotations

from collections.abc import Iterator

from guestagent.agent.doctor.finding import Finding
from guestagent.agent.doctor.ground import agent_findings, disk_findings
from guestagent.agent.doctor.handle import handle_findings
from guestagent.agent.doctor.metadata import found, metadata_findings
from guestagent.agent.doctor.probes import Probes
from guestagent.agent.doctor.server import server_findings
from guestagent.agent.edges import Edges
from guestagent.agent.settings import Settings
from guestagent.errors import InvalidMetadata
from guestagent.metadata import parse, require_resolved, salvaged


def examine(settings: Settings, edges: Edges, probes: Probes) -> Iterator[Finding]:
    """Finding by finding as they are made; what cannot be looked at is a finding itself."""
    collected = found(settings)
    yield from metadata_findings(collected, settings, probes)
    yield from agent_findings(settings, edges.paused(), probes)
    yield from disk_findings({"state": settings.state}, probes)
    if collected is None:
        return
    # The handle of an invalid document is told all the same what is wrong.
    readable = salvaged(collected.document)
    if readable is not None:
        yield from handle_findings(readable, settings, probes)
    try:
        document = parse(collected.document, collected.where)
        require_resolved(document, collected.where)
    except InvalidMetadata:
        return
    yield from server_findings(document, edges, probes)
