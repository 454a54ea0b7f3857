"""Whether the running operation has ended: by the steps of the parts that it concerns, and by what had to be proved.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from guestagent.resources.natives.cluster_view import ClusterView
from guestagent.resources.natives.proof import PROOF_PAUSE_S, find_missing_proof
from guestagent.resources.natives.steps import EndOperation, NeedAttention, Step, Steps, Waiting
from guestagent.resources.operation import OperationState
from guestagent.resources.orders import (
    AddInstance,
    CreateCluster,
    DeleteCluster,
    DeleteInstance,
    MigrateInstance,
    RenewInstance,
    ReplaceInstance,
    ResizeInstance,
    ResizeVolume,
    RestartInstance,
)
from guestagent.resources.store.records import ResourceKind
from guestagent.resources.wanted import WantedInstance

GROUPS_PART = "groups"


def list_endings(view: ClusterView, parts: Mapping[str, Steps]) -> Steps:
    """Return what ends the running operation, or what it waits for; nothing while its own steps are under way."""
    if view.running is None:
        return ()
    steps = [step for part in list_parts(view) for step in parts.get(part, ())]
    if steps:
        is_stuck = all(isinstance(step, NeedAttention) for step in steps)
        return (EndOperation(OperationState.CANCELLED),) if view.is_cancelled and is_stuck else ()
    if isinstance(view.order, DeleteCluster):
        return () if view.records else (EndOperation(OperationState.DONE, is_removal=True),)
    missing = tuple(_list_missing_proofs(view))
    return missing or (EndOperation(OperationState.DONE),)


def list_parts(view: ClusterView) -> tuple[str, ...]:
    """Return the parts of the plan that the running order concerns."""
    order = view.order
    instances = tuple(instance.name for instance in view.wanted)
    if isinstance(order, CreateCluster):
        return (GROUPS_PART, *instances)
    if isinstance(order, DeleteCluster):
        return (GROUPS_PART, *sorted({key.instance for key in view.records} - {""}))
    if isinstance(order, AddInstance):
        sources = (instance.name for instance in view.wanted if instance.is_source)
        return (GROUPS_PART, *sources, *instances[-1:])
    if isinstance(
        order,
        DeleteInstance
        | ReplaceInstance
        | ResizeInstance
        | MigrateInstance
        | RestartInstance
        | ResizeVolume
        | RenewInstance,
    ):
        return (order.instance,)
    return (GROUPS_PART,)


def _list_missing_proofs(view: ClusterView) -> Iterator[Step]:
    """Yield what the order still waits for. A replica's time counts from its source's proof: it follows the source."""
    assert view.running is not None
    order, started_at = view.running.order, view.running.operation.started_at or 0.0
    if not isinstance(order, CreateCluster | AddInstance | ReplaceInstance | RenewInstance):
        return
    names = set(list_parts(view))
    source = next((instance for instance in view.wanted if instance.is_source), None)
    for instance in view.wanted:
        if instance.name not in names:
            continue
        record = view.find_record(ResourceKind.SERVER, instance.name)
        since = max(started_at, record.intended_at if record else 0.0)
        if source is not None and not instance.is_source and isinstance(order, CreateCluster | AddInstance):
            signal = view.find_signal(source)
            if signal is None or not signal.is_success:
                yield Waiting(f"{instance.name} waits for {source.name} to prove itself", PROOF_PAUSE_S)
                continue
            since = max(since, signal.at)
        if missing := find_missing_proof(view, instance, since):
            yield missing


def build_result(view: ClusterView, instances: tuple[WantedInstance, ...]) -> dict[str, str]:
    """Return the ids in the cloud of what these instances consist of."""
    kinds = (ResourceKind.SERVER, ResourceKind.VOLUME, ResourceKind.PORT)
    found = {
        f"{instance.name}/{kind}": view.find_record(kind, instance.name)
        for instance in instances
        for kind in kinds
    }
    return {name: record.cloud_id for name, record in found.items() if record is not None and record.cloud_id}
