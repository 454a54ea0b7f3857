"""A dry run: what a pass would do now, with its SQL and every secret masked. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial

from guestagent.agent import metadata_files, server_config, wiring
from guestagent.agent.conditions import judge_readiness
from guestagent.agent.dependencies import PassDependencies
from guestagent.agent.divergence_journal import find_known_divergence
from guestagent.agent.journal_state import JournalState
from guestagent.agent.model import Condition, DesiredState, ObservedState
from guestagent.agent.observe import observe_configuration, observe_source
from guestagent.agent.plan import plan_steps
from guestagent.agent.settings import Settings
from guestagent.database.detect import FAMILIES
from guestagent.database.protocols import Database, SqlDialect
from guestagent.database.state import ServerState
from guestagent.database.steps import SetVariable, Step
from guestagent.errors import InvalidMetadata, NotReady, Problem
from guestagent.metadata import Document, Role, documents, parse
from guestagent.retry import SystemClock


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan for one node. `steps`: each with the statements that it would send (of the option file: what changes);
    `blocked`: why there are none.

    `paused`: the mark of an operator, under which nothing of it is done.
    """

    node: str | None
    role: str
    generation: int
    steps: tuple[tuple[Step | server_config.ConfigurationStep, tuple[str, ...]], ...]
    blocking_condition: Condition | None
    unresolved: tuple[str, ...]
    pause: str = ""

    def __str__(self) -> str:
        head = f"{self.node or 'this node'} ({self.role}), generation {self.generation}"
        if self.blocking_condition is not None:
            return f"{head}: blocked\n  {self.blocking_condition}"
        if not self.steps:
            return f"{head}: nothing to do"
        lines = [f"{head}: {len(self.steps)} steps"]
        for number, (step, statements) in enumerate(self.steps, start=1):
            lines.append(f"  {number}. {step}")
            lines += [f"       {statement}" for statement in statements]
        lines += [f"  {self.pause}: nothing of it is done until `guestagent resume`"] if self.pause else []
        lines += [f"  not resolved yet: {', '.join(self.unresolved)}"] if self.unresolved else []
        return "\n".join(lines)

    def as_json(self) -> dict[str, object]:
        blocked = self.blocking_condition
        return {
            "node": self.node,
            "role": self.role,
            "generation": self.generation,
            "steps": [
                {"step": str(step), "kind": type(step).__name__, "sql": list(sql)} for step, sql in self.steps
            ],
            "blocked": None if blocked is None else {"name": blocked.name, "reason": str(blocked)},
            "unresolved": list(self.unresolved),
            "paused": self.pause or None,
        }


def plan_collected_document(settings: Settings, *, offline: str | None) -> tuple[Plan, ...]:
    """The plan for the document that os-collect-config has collected; NotReady where there is none.

    `offline`: the family of an empty server to plan against; None: the one that runs here.
    """
    found = metadata_files.find_latest_document(settings)
    if found is None:
        raise NotReady(
            f"no metadata has been collected: neither {settings.state_folder} nor {settings.collector_cache} holds any"
        )
    return (_planner(settings, offline)(None, parse(found.document, found.display_path)),)


def plan_text(
    text: str, where: str, node: str | None, settings: Settings, *, offline: str | None
) -> tuple[Plan, ...]:
    """The plan of a document, or one for every node of a template (or for `node` alone)."""
    found = documents(text, where)
    chosen = [(name, document) for name, document in found if node is None or name == node]
    if not chosen:
        names = ", ".join(str(name) for name, _ in found) or "none"
        raise InvalidMetadata(
            [Problem("--node", f"one of the nodes in the file ({names})", str(node))], where
        )
    planner = _planner(settings, offline)
    return tuple(planner(name, parse(document, where)) for name, document in chosen)


def _planner(settings: Settings, offline: str | None) -> Callable[[str | None, Document], Plan]:
    if offline is not None:
        return partial(_offline, offline)
    edges = wiring.build_dependencies(settings, SystemClock())
    return lambda name, document: _online(name, document, edges)


def _offline(family: str, name: str | None, document: Document) -> Plan:
    """Whether an empty server is read-only is not known: the step that would see to it is shown."""
    dialect = FAMILIES[family].build_dialect()
    desired = DesiredState.from_document(document, dialect, None)
    fresh = ServerState(
        version="a fresh server",
        data_directory="/var/lib/mysql/",
        server_id=1,
        binary_log=True,
        gtid=True,
        read_only=document.role is Role.SOURCE,
        history=FAMILIES[family].empty_history,
    )
    return _planned(name, document, desired, ObservedState(fresh), JournalState(), dialect)


def _online(name: str | None, document: Document, edges: PassDependencies) -> Plan:
    with closing(edges.open_database()) as database:
        source = document.source
        towards = wiring.find_handle_host(document) if source is None else str(source.address)
        desired = DesiredState.from_document(document, database.dialect, edges.find_own_address(towards))
        seen = None if source is None else observe_source(edges.source_view, source, desired.tls)
        parting = find_known_divergence(edges.journal.state, source, seen)
        observed = ObservedState(
            database.observe(), source=seen, lost_journal=edges.journal.loss, divergence=parting
        )
        mark = edges.read_pause()
        planned = _planned(name, document, desired, observed, edges.journal.state, database.dialect)
        changes = tuple(_configuring(document, desired, observed, database, edges))
        return replace(planned, steps=(*changes, *planned.steps), pause="" if mark is None else str(mark))


def _configuring(
    document: Document,
    desired: DesiredState,
    observed: ObservedState,
    database: Database,
    edges: PassDependencies,
) -> Iterator[tuple[server_config.ConfigurationStep, tuple[str, ...]]]:
    """The steps of the server's configuration, with what changes in the option file."""
    look = observe_configuration(document, desired, observed, database, edges)
    for step in () if look is None else server_config.plan_steps(look):
        if isinstance(step, server_config.WriteOptions):
            yield step, tuple(step.diff.splitlines())
        else:
            yield step, database.dialect.format_statements(step) if isinstance(step, SetVariable) else ()


def _planned(
    name: str | None,
    document: Document,
    desired: DesiredState,
    observed: ObservedState,
    memory: JournalState,
    dialect: SqlDialect,
) -> Plan:
    steps = plan_steps(desired, observed, memory, dialect)
    worst = judge_readiness(desired, observed, memory, dialect).worst_condition
    return Plan(
        node=document.section.node or name,
        role=str(document.role),
        generation=document.section.generation,
        steps=tuple((step, dialect.format_statements(step)) for step in steps),
        blocking_condition=worst if not steps and worst.state.name == "FINAL" else None,
        unresolved=document.unresolved_paths,
    )
