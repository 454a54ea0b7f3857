"""Builds both engines for a service. The entry point `migration` of pyproject.toml names it."""

from __future__ import annotations

from guestagent.resources.engine import ResourceEngine
from guestagent.resources.engine_context import EngineContext
from guestagent.resources.engine_selection import EngineSelection
from guestagent.resources.natives.engine_factory import build_natives_engine
from guestagent.resources.orchestrator.engine_factory import build_orchestrator_engine


def select_migration(context: EngineContext) -> EngineSelection:
    """Return NATIVES for the clusters that it owns, and ORCHESTRATOR for its own and for all that are new."""
    natives, orchestrator = build_natives_engine(context), build_orchestrator_engine(context)
    engines: dict[str, ResourceEngine] = {natives.name: natives, orchestrator.name: orchestrator}
    return EngineSelection("migration", engines, orchestrator.name)
