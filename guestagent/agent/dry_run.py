"""A dry run: the steps that a pass would apply now, with their SQL and every secret masked. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial

from guestagent.agent import metadata_files, server_config, wiring
from guestagent.agent.conditions import judge_readiness
from guestagent.agent.dependencies import PassDependencies
from guestagent.agent.divergence_journal import find_known_divergence
from guestagent.agent.donor_record import update_donor_records
from guestagent.agent.journal_state import JournalState
from guestagent.agent.model import Condition, ConditionState, DesiredState, ObservedState
from guestagent.agent.observe import find_node_refusal, observe_configuration, observe_source
from guestagent.agent.plan import plan_steps
from guestagent.agent.preconditions import find_refusal
from guestagent.agent.refusal import Refusal
from guestagent.agent.seed_decision import SeedAction, decide_seed
from guestagent.agent.settings import Settings
from guestagent.database.detect import FAMILIES
from guestagent.database.protocols import SqlDialect
from guestagent.database.state import ServerState
from guestagent.database.steps import SetVariable, Step
from guestagent.errors import InvalidMetadata, NotReady, Problem
from guestagent.metadata import Document, Role, documents, parse
from guestagent.retry import SystemClock

SEED_TITLE = "seed by "


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan for one node. `steps`: each with its statements, or with the changed lines of the option file.

    `blocking_condition`: the reason why there are none but drops of donor accounts. `pause`: an operator has paused the
    agent, so that none is applied. `seed`: the copy of the source's data that comes before the other steps, with its
    reasons; or why there is none.
    """

    node: str | None
    role: str
    generation: int
    steps: tuple[tuple[Step | server_config.ConfigurationStep, tuple[str, ...]], ...]
    blocking_condition: Condition | None
    unresolved: tuple[str, ...]
    pause: str = ""
    seed: str = ""

    def __str__(self) -> str:
        title = f"{self.node or 'this node'} ({self.role}), generation {self.generation}"
        if self.blocking_condition is not None:
            return "\n".join([f"{title}: blocked", f"  {self.blocking_condition}", *self._list_steps()])
        if not self.steps:
            return f"{title}: {self.seed or 'nothing to do'}"
        lines = [f"{title}: {len(self.steps)} steps"]
        if self.seed:
            lines.append(f"  {self.seed}")
        lines += self._list_steps()
        if self.pause:
            lines.append(f"  {self.pause}: no step is applied until `guestagent resume`")
        if self.unresolved:
            lines.append(f"  not resolved yet: {', '.join(self.unresolved)}")
        return "\n".join(lines)

    def _list_steps(self) -> Iterator[str]:
        for number, (step, statements) in enumerate(self.steps, start=1):
            yield f"  {number}. {step}"
            yield from (f"       {statement}" for statement in statements)

    def as_json(self) -> dict[str, object]:
        condition = self.blocking_condition
        return {
            "node": self.node,
            "role": self.role,
            "generation": self.generation,
            "steps": [
                {"step": str(step), "kind": type(step).__name__, "sql": list(sql)} for step, sql in self.steps
            ],
            "blocked": None if condition is None else {"name": condition.name, "reason": str(condition)},
            "unresolved": list(self.unresolved),
            "paused": self.pause or None,
            "seed": self.seed or None,
        }


def plan_collected_document(settings: Settings, *, offline: str | None) -> tuple[Plan, ...]:
    """Plan for the document that os-collect-config has collected. Raises NotReady if there is none.

    `offline`: the family of an empty server to plan against; None: the server that runs here.
    """
    collected = metadata_files.find_latest_document(settings)
    if collected is None:
        raise NotReady(
            f"no metadata has been collected: neither {settings.state_folder} nor {settings.collector_cache} holds any"
        )
    plan_node = _choose_planner(settings, offline)
    return (plan_node(None, parse(collected.document, collected.display_path)),)


def plan_text(
    text: str, where: str, node: str | None, settings: Settings, *, offline: str | None
) -> tuple[Plan, ...]:
    """Plan for a document, or for every node of a template (or for `node` alone)."""
    all_documents = documents(text, where)
    chosen = [(name, document) for name, document in all_documents if node is None or name == node]
    if not chosen:
        names = ", ".join(str(name) for name, _ in all_documents) or "none"
        raise InvalidMetadata(
            [Problem("--node", f"one of the nodes in the file ({names})", str(node))], where
        )
    plan_node = _choose_planner(settings, offline)
    return tuple(plan_node(name, parse(document, where)) for name, document in chosen)


def _choose_planner(settings: Settings, offline: str | None) -> Callable[[str | None, Document], Plan]:
    if offline is not None:
        return partial(_plan_offline, offline)
    dependencies = wiring.build_dependencies(settings, SystemClock())
    return lambda name, document: _plan_online(name, document, dependencies)


def _plan_offline(family: str, name: str | None, document: Document) -> Plan:
    """Plan against an empty server. Whether it is read-only is not known, so the step for that is shown."""
    dialect = FAMILIES[family].build_dialect()
    desired = DesiredState.from_document(document, dialect, None)
    server = ServerState(
        version="a fresh server",
        data_directory="/var/lib/mysql/",
        server_id=1,
        binary_log=True,
        gtid=True,
        read_only=document.role is Role.SOURCE,
        history=FAMILIES[family].empty_history,
    )
    observed = ObservedState(server)
    refusal = find_refusal(desired, observed)
    return _build_plan(name, document, desired, observed, refusal, JournalState(), dialect)


def _plan_online(name: str | None, document: Document, dependencies: PassDependencies) -> Plan:
    memory = dependencies.journal.state
    with closing(dependencies.open_database()) as database:
        source, source_state = document.source, None
        peer = wiring.find_handle_host(document) if source is None else str(source.address)
        desired = DesiredState.from_document(document, database.dialect, dependencies.find_own_address(peer))
        if source is not None:
            source_state = observe_source(dependencies.source_view, source, desired.tls)
        observed = ObservedState(
            database.observe(),
            source=source_state,
            lost_journal=dependencies.journal.loss,
            divergence=find_known_divergence(memory, source, source_state),
        )
        donors = update_donor_records(memory.donors, desired.joining_replicas, observed.server.replica_users)
        desired = desired.remove_finished_seeds(donors)
        refusal = find_node_refusal(desired, observed, dependencies)
        pause = dependencies.read_pause()
        plan = _build_plan(name, document, desired, observed, refusal, memory, database.dialect)
        configuration = observe_configuration(
            document, desired, observed.server, refusal, database, dependencies
        )
        changes = () if configuration is None else tuple(_describe_changes(configuration, database.dialect))
        seed = _describe_seed(desired, observed, refusal, dependencies, wiring.build_task_key(document))
        steps = changes if seed.startswith(SEED_TITLE) else (*changes, *plan.steps)
        return replace(plan, steps=steps, pause="" if pause is None else str(pause), seed=seed)


def _describe_seed(
    desired: DesiredState,
    observed: ObservedState,
    refusal: Refusal | None,
    dependencies: PassDependencies,
    task: str,
) -> str:
    """Describe the seed that a pass would begin now, or why none is needed; "" if the document has no donor."""
    access, record = dependencies.seed_access, dependencies.journal.state.seed
    if access is None:
        return ""
    is_unfinished = record is not None and not record.is_done
    decision = decide_seed(
        desired,
        observed,
        refusal,
        record,
        task,
        is_reseed_ordered=access.files.has_reseed_order(),
        marker=access.read_marker(observed.server.data_directory) if is_unfinished else "",
    )
    if decision.choice is None:
        return "" if decision.condition is None else str(decision.condition)
    if decision.action is SeedAction.NONE:
        return f"no seed: {decision.choice}"
    return f"{SEED_TITLE}{decision.choice}; {decision.choice.cost}"


def _describe_changes(
    configuration: server_config.ConfigurationSnapshot, dialect: SqlDialect
) -> Iterator[tuple[server_config.ConfigurationStep, tuple[str, ...]]]:
    """Describe each step of the configuration by its statements, or by the changed lines of the option file."""
    for step in server_config.plan_steps(configuration):
        if isinstance(step, server_config.WriteOptions):
            yield step, tuple(step.diff.splitlines())
        else:
            yield step, dialect.format_statements(step) if isinstance(step, SetVariable) else ()


def _build_plan(
    name: str | None,
    document: Document,
    desired: DesiredState,
    observed: ObservedState,
    refusal: Refusal | None,
    memory: JournalState,
    dialect: SqlDialect,
) -> Plan:
    steps = plan_steps(desired, observed, refusal, memory, dialect)
    worst = judge_readiness(desired, observed, refusal, memory, dialect).worst_condition
    is_blocked = (refusal is not None or not steps) and worst.state is ConditionState.FINAL
    return Plan(
        node=document.section.node or name,
        role=str(document.role),
        generation=document.section.generation,
        steps=tuple((step, dialect.format_statements(step)) for step in steps),
        blocking_condition=worst if is_blocked else None,
        unresolved=document.unresolved_paths,
    )
