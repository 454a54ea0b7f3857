"""Builds ORCHESTRATOR for a service. The entry point `orchestrator` of pyproject.toml names it."""

from __future__ import annotations

from guestagent.controller.openstack_heat import OpenStackHeat
from guestagent.resources.engine_context import EngineContext
from guestagent.resources.engine_selection import EngineSelection, select_engine
from guestagent.resources.natives.openstack_project import OpenStackProject
from guestagent.resources.orchestrator.engine import OrchestratorEngine
from guestagent.resources.orchestrator.heat_inventory import HeatInventory
from guestagent.resources.source_directory import SourceDirectory


def select_orchestrator(context: EngineContext) -> EngineSelection:
    """Return ORCHESTRATOR alone."""
    return select_engine(build_orchestrator_engine(context))


def build_orchestrator_engine(context: EngineContext) -> OrchestratorEngine:
    """Return ORCHESTRATOR."""
    connection = context.connection
    ring = None if context.endpoint is None else context.endpoint.ring
    return OrchestratorEngine(
        OpenStackHeat(connection),
        HeatInventory(connection),
        OpenStackProject(connection),
        context.store.id,
        context.store,
        SourceDirectory(context.store, ring),
        context.settle_s,
    )
