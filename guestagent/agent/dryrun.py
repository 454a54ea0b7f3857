"""A dry run: what a pass would do now, with its SQL and every secret masked. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial

from guestagent.agent import collect, configuration, parts
from guestagent.agent.edges import Edges
from guestagent.agent.journal_memory import Memory
from guestagent.agent.looking import configured, look
from guestagent.agent.model import Condition, Desired, Observed
from guestagent.agent.plan import plan
from guestagent.agent.readiness import readiness
from guestagent.agent.settings import Settings
from guestagent.agent.source_history import recall_parting
from guestagent.database.edge import Database, Dialect
from guestagent.database.open import FAMILIES
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
    steps: tuple[tuple[Step | configuration.Step, tuple[str, ...]], ...]
    blocked: Condition | None
    unresolved: tuple[str, ...]
    paused: str = ""

    def __str__(self) -> str:
        head = f"{self.node or 'this node'} ({self.role}), generation {self.generation}"
        if self.blocked is not None:
            return f"{head}: blocked\n  {self.blocked}"
        if not self.steps:
            return f"{head}: nothing to do"
        lines = [f"{head}: {len(self.steps)} steps"]
        for number, (step, statements) in enumerate(self.steps, start=1):
            lines.append(f"  {number}. {step}")
            lines += [f"       {statement}" for statement in statements]
        lines += [f"  {self.paused}: nothing of it is done until `guestagent resume`"] if self.paused else []
        lines += [f"  not resolved yet: {', '.join(self.unresolved)}"] if self.unresolved else []
        return "\n".join(lines)

    def as_json(self) -> dict[str, object]:
        blocked = self.blocked
        return {
            "node": self.node,
            "role": self.role,
            "generation": self.generation,
            "steps": [
                {"step": str(step), "kind": type(step).__name__, "sql": list(sql)} for step, sql in self.steps
            ],
            "blocked": None if blocked is None else {"name": blocked.name, "reason": str(blocked)},
            "unresolved": list(self.unresolved),
            "paused": self.paused or None,
        }


def collected(settings: Settings, *, offline: str | None) -> tuple[Plan, ...]:
    """The plan for the document that os-collect-config has collected; NotReady where there is none.

    `offline`: the family of an empty server to plan against; None: the one that runs here.
    """
    found = collect.latest(settings)
    if found is None:
        raise NotReady(
            f"no metadata has been collected: neither {settings.state} nor {settings.collector_cache} holds any"
        )
    return (_planner(settings, offline)(None, parse(found.document, found.where)),)


def of_text(
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
    edges = parts.edges(settings, SystemClock())
    return lambda name, document: _online(name, document, edges)


def _offline(family: str, name: str | None, document: Document) -> Plan:
    """Whether an empty server is read-only is not known: the step that would see to it is shown."""
    dialect = FAMILIES[family].dialect()
    desired = Desired.of(document, dialect, None)
    fresh = ServerState(
        version="a fresh server",
        folder="/var/lib/mysql/",
        server_id=1,
        binary_log=True,
        gtid=True,
        read_only=document.role is Role.SOURCE,
        history=FAMILIES[family].nothing,
    )
    return _planned(name, document, desired, Observed(fresh), Memory(), dialect)


def _online(name: str | None, document: Document, edges: Edges) -> Plan:
    with closing(edges.open()) as database:
        source = document.source
        towards = parts.home(document) if source is None else str(source.address)
        desired = Desired.of(document, database.dialect, edges.address_towards(towards))
        seen = None if source is None else look(edges.view, source, desired.tls)
        parting = recall_parting(edges.journal.memory, source, seen)
        observed = Observed(database.observe(), source=seen, lost_journal=edges.journal.loss, parting=parting)
        mark = edges.paused()
        planned = _planned(name, document, desired, observed, edges.journal.memory, database.dialect)
        changes = tuple(_configuring(document, desired, observed, database, edges))
        return replace(planned, steps=(*changes, *planned.steps), paused="" if mark is None else str(mark))


def _configuring(
    document: Document, desired: Desired, observed: Observed, database: Database, edges: Edges
) -> Iterator[tuple[configuration.Step, tuple[str, ...]]]:
    """The steps of the server's configuration, with what changes in the option file."""
    look = configured(document, desired, observed, database, edges)
    for step in () if look is None else configuration.steps(look):
        if isinstance(step, configuration.WriteOptions):
            yield step, tuple(step.difference.splitlines())
        else:
            yield step, database.dialect.statements(step) if isinstance(step, SetVariable) else ()


def _planned(
    name: str | None,
    document: Document,
    desired: Desired,
    observed: Observed,
    memory: Memory,
    dialect: Dialect,
) -> Plan:
    steps = plan(desired, observed, memory, dialect)
    worst = readiness(desired, observed, memory, dialect).worst
    return Plan(
        node=document.section.node or name,
        role=str(document.role),
        generation=document.section.generation,
        steps=tuple((step, dialect.statements(step)) for step in steps),
        blocked=worst if not steps and worst.agreement.name == "FINAL" else None,
        unresolved=document.unresolved,
    )
