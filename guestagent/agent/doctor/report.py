"""The whole report, causes before what follows from them."""

from __future__ import annotations

from collections.abc import Iterator

from guestagent.agent.dependencies import PassDependencies
from guestagent.agent.doctor.agent import check_agent
from guestagent.agent.doctor.database import check_database
from guestagent.agent.doctor.disk import check_disks, check_volume, check_volume_unit
from guestagent.agent.doctor.finding import Finding
from guestagent.agent.doctor.heat_handle import check_handle
from guestagent.agent.doctor.metadata import check_metadata, find_document
from guestagent.agent.doctor.probes import Probes
from guestagent.agent.doctor.update_route import check_update_route
from guestagent.agent.settings import Settings
from guestagent.errors import InvalidMetadata
from guestagent.metadata import parse, require_resolved, salvage_document


def examine_node(settings: Settings, dependencies: PassDependencies, probes: Probes) -> Iterator[Finding]:
    """Yield each finding when it is made. A probe that fails is a finding itself."""
    collected = find_document(settings)
    yield from check_metadata(collected, settings, probes)
    yield from check_update_route(settings, probes)
    yield from check_agent(settings, dependencies.read_pause(), probes)
    yield from check_disks({"state": settings.state_folder}, probes)
    if collected is None:
        yield from check_volume_unit(dependencies.observe_volume())
        return
    # The agent signals a FAILURE to the handle of an invalid document, too.
    salvaged_document = salvage_document(collected.document)
    if salvaged_document is not None:
        yield from check_handle(salvaged_document, settings, probes)
    try:
        document = parse(collected.document, collected.display_path)
        require_resolved(document, collected.display_path)
    except InvalidMetadata:
        yield from check_volume_unit(dependencies.observe_volume())
        return
    yield from check_volume(document.section, dependencies.observe_volume())
    yield from check_database(document, dependencies, probes)
