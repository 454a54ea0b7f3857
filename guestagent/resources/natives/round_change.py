"""What one round writes into the store before it sends anything, in one transaction. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from guestagent.resources.natives.cluster_view import ClusterView
from guestagent.resources.natives.ending import build_result, list_parts
from guestagent.resources.natives.lookups import ACTION_KINDS
from guestagent.resources.natives.round_plan import RoundPlan, drop_instance
from guestagent.resources.natives.steps import (
    ChangeInstance,
    ChangeRules,
    DropInstance,
    EndOperation,
    EndRotation,
    FailOperation,
    ForgetKeys,
    ForgetRecord,
    NoteRecord,
    SendRequest,
    Step,
    Waiting,
    join_attention,
)
from guestagent.resources.operation import Operation, OperationState, OrderRefusal
from guestagent.resources.operation_events import describe_end
from guestagent.resources.store.records import (
    ClusterChange,
    ClusterSnapshot,
    ResourceKey,
    ResourcePhase,
    ResourceRecord,
)
from guestagent.resources.wanted import WantedCluster
from guestagent.resources.wanted_document import dump_wanted


def build_change(
    view: ClusterView, snapshot: ClusterSnapshot, plan: RoundPlan, newly_used: Iterable[ResourceRecord]
) -> ClusterChange | None:
    """Return the round's change; None if nothing is new."""
    steps = plan.steps
    wanted = apply_changes(view.wanted, steps)
    operation = build_operation(view, plan)
    is_over = operation is not None and operation.state.is_final
    resources = {record.key: record for record in newly_used}
    resources |= {step.record.key: step.record for step in steps if isinstance(step, NoteRecord)}
    forgotten = {step.key for step in steps if isinstance(step, ForgetRecord)}
    forgotten |= set(_list_finished(view, wanted, resources)) if is_over else set()
    attention = join_attention(steps)
    is_known = view.observed.is_complete
    change = ClusterChange(
        wanted=dump_wanted(wanted) if wanted != view.wanted else None,
        attention=attention if is_known and attention != snapshot.cluster.attention else None,
        operations=() if operation is None else (operation,),
        resources=tuple(record for key, record in resources.items() if key not in forgotten),
        forgotten=tuple(sorted(forgotten)),
        events=(
            *(step.event for step in steps if isinstance(step, ForgetRecord) and step.event),
            *((describe_end(operation),) if operation is not None and is_over else ()),
        ),
        is_removed=any(isinstance(step, EndOperation) and step.is_removal for step in steps),
    )
    return None if change == ClusterChange() else change


def apply_changes(wanted: WantedCluster, steps: Iterable[Step]) -> WantedCluster:
    """Return the wanted cluster after the steps that change it."""
    for step in steps:
        if isinstance(step, ChangeInstance):
            wanted = wanted.replace_instance(step.instance)
        elif isinstance(step, DropInstance):
            wanted = drop_instance(wanted, step.name)
        elif isinstance(step, EndRotation):
            wanted = wanted.end_rotation()
        elif isinstance(step, ForgetKeys):
            wanted = replace(wanted, previous_keys=())
        elif isinstance(step, ChangeRules):
            groups = {name: rules for name, rules in wanted.groups.items() if name != step.group}
            wanted = replace(
                wanted, groups=groups if step.rules is None else {**groups, step.group: step.rules}
            )
    return wanted


def build_operation(view: ClusterView, plan: RoundPlan) -> Operation | None:
    """Return the running operation as it is after this round; None if nothing of it has changed."""
    if view.running is None:
        return None
    operation = view.running.operation
    own_steps = (*(step for part in list_parts(view) for step in plan.parts.get(part, ())), *plan.endings)
    steps = plan.steps if view.is_cancelled else own_steps
    waiting_for = next((step.reason for step in steps if isinstance(step, Waiting)), "")
    attention = join_attention(steps)
    last_step = "" if waiting_for or attention else operation.step
    changed = replace(
        operation,
        step=next((str(step) for step in steps if isinstance(step, SendRequest)), last_step),
        waiting_for=waiting_for,
        attention=attention,
    )
    ending = next((step for step in steps if isinstance(step, EndOperation | FailOperation)), None)
    if ending is not None:
        changed = _end_operation(view, changed, ending)
    return changed if changed != operation else None


def _end_operation(
    view: ClusterView, operation: Operation, ending: EndOperation | FailOperation
) -> Operation:
    ended = replace(operation, ended_at=view.now, step="", waiting_for="", attention="")
    if isinstance(ending, EndOperation):
        instances = tuple(instance for instance in view.wanted if instance.name in list_parts(view))
        result = build_result(view, instances) if ending.state is OperationState.DONE else {}
        return replace(ended, state=ending.state, result=result)
    state = OperationState.CANCELLED if view.is_cancelled else OperationState.FAILED
    refusal = None if view.is_cancelled else OrderRefusal(ending.code, ending.message)
    return replace(ended, state=state, refusal=refusal)


def _list_finished(
    view: ClusterView, wanted: WantedCluster, resources: dict[ResourceKey, ResourceRecord]
) -> Iterable[ResourceKey]:
    """Yield the keys of actions that are over, and of resources whose successors have come."""
    names = {instance.name for instance in wanted}
    for record in {**view.records, **resources}.values():
        newest = view.find_record(record.key.kind, record.key.instance)
        is_old = record.key.instance in names and newest is not None and newest.key.epoch > record.key.epoch
        if record.phase is ResourcePhase.GONE and (is_old or record.key.kind in ACTION_KINDS):
            yield record.key
