"""Which engine a service runs, and whether it may: no cluster is left without its engine by mistake. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from guestagent.errors import InvalidSettings, Problem
from guestagent.resources.engine_selection import EngineSelection
from guestagent.resources.store.records import ClusterRecord

NATIVES, ORCHESTRATOR, MIGRATION = "natives", "orchestrator", "migration"


def choose_engine(has_heat: bool, clusters: Collection[ClusterRecord]) -> str:
    """Return the engine that `auto` means."""
    if not has_heat:
        return NATIVES
    return MIGRATION if any(each.engine == NATIVES for each in clusters) else ORCHESTRATOR


def check_owners(
    selection: EngineSelection, clusters: Sequence[ClusterRecord], abandoned: Collection[str]
) -> None:
    """Raise InvalidSettings if clusters belong to an engine that is not selected, unless each of them is abandoned.

    Abandoned clusters keep their rows: a service with their engine goes on with them.
    """
    problems = [*_find_problems(selection, clusters, abandoned)]
    if problems:
        raise InvalidSettings(problems)


def _find_problems(
    selection: EngineSelection, clusters: Sequence[ClusterRecord], abandoned: Collection[str]
) -> Iterator[Problem]:
    strangers = {each.name: each.engine for each in clusters if each.engine not in selection.engines}
    unserved = sorted(strangers.keys() - set(abandoned))
    if unserved:
        names = ", ".join(f"{name} (of {strangers[name]})" for name in unserved)
        yield Problem(
            "resources.engine",
            f"an engine that serves every cluster of the store: {names}",
            selection.name,
            "set engine = migration, or pass --abandon NAME for each that no service is to work on",
        )
    unknown = sorted(set(abandoned) - strangers.keys())
    if unknown:
        found = ", ".join(unknown)
        yield Problem("--abandon", "clusters that this service does not serve", found, "remove the option")
