"""Builds NATIVES for a service. The entry point `natives` of pyproject.toml names it."""

from __future__ import annotations

from guestagent.errors import InvalidSettings, Problem
from guestagent.resources.engine_context import EngineContext
from guestagent.resources.engine_selection import EngineSelection, select_engine
from guestagent.resources.natives.engine import NativesEngine
from guestagent.resources.natives.openstack_project import OpenStackProject
from guestagent.resources.natives.user_data_source import UserDataSource, build_description_reader
from guestagent.resources.source_directory import SourceDirectory


def select_natives(context: EngineContext) -> EngineSelection:
    """Return NATIVES alone."""
    return select_engine(build_natives_engine(context))


def build_natives_engine(context: EngineContext) -> NativesEngine:
    """Return NATIVES. Raise InvalidSettings without an endpoint for its guests."""
    if context.endpoint is None:
        raise InvalidSettings(
            [Problem("endpoint.public_url", "the address of this service for the guests", "none")]
        )
    sources = SourceDirectory(context.store, context.endpoint.ring)
    user_data = UserDataSource(context.store, context.endpoint, context.authority)
    return NativesEngine(
        OpenStackProject(context.connection),
        context.store.id,
        user_data.build,
        build_description_reader(context.endpoint.ring.newest, sources),
        context.store,
        sources,
        settle_s=context.settle_s,
    )
