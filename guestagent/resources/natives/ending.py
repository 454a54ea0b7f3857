"""Whether the running operation has ended: by the steps of the parts that it concerns, and by what had to be proved.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from guestagent.resources.natives.cluster_view import ClusterView
from guestagent.resources.natives.proof import PROOF_PAUSE_S, find_missing_proof
from guestagent.resources.natives.rotating import ROTATION_PART, list_missing_contacts
from guestagent.resources.natives.steps import (
    EndOperation,
    FailOperation,
    NeedAttention,
    Step,
    Steps,
    Waiting,
)
from guestagent.resources.operation import OperationState
from guestagent.resources.orders import (
    AddInstance,
    AdmitFollower,
    CreateCluster,
    DeleteCluster,
    DeleteInstance,
    MigrateInstance,
    RenewInstance,
    ReplaceInstance,
    ResizeInstance,
    ResizeVolume,
    RestartInstance,
    RotatePasswords,
)
from guestagent.resources.store.records import ResourceKind
from guestagent.resources.wanted import WantedInstance

GROUPS_PART = "groups"
ATTENTION_LIMIT_S = 3600.0
"""For which an order that creates something waits for a person, counted from its last request. Then it fails."""
CREATIONS = (CreateCluster, AddInstance, ReplaceInstance)


def list_endings(view: ClusterView, parts: Mapping[str, Steps]) -> Steps:
    """Return what ends the running operation, or what it waits for; nothing while its own steps are under way."""
    if view.running is None:
        return ()
    steps = [step for part in list_parts(view) for step in parts.get(part, ())]
    if steps:
        needs = [step for step in steps if isinstance(step, NeedAttention)]
        if len(needs) < len(steps):
            return ()
        if view.is_cancelled:
            return (EndOperation(OperationState.CANCELLED),)
        return _fail_overdue_creation(view, needs)
    if isinstance(view.order, DeleteCluster):
        return () if view.records else (EndOperation(OperationState.DONE, is_removal=True),)
    missing = tuple(_list_missing_proofs(view))
    return missing or (EndOperation(OperationState.DONE),)


def _fail_overdue_creation(view: ClusterView, needs: Sequence[NeedAttention]) -> Steps:
    """End a creation for which nobody has done what it needs. What it has made stays until an order removes it."""
    assert view.running is not None
    requests = (
        record.intended_at for record in view.records.values() if record.operation_id == view.operation_id
    )
    latest = max(view.running.operation.started_at or 0.0, *requests, 0.0)
    if not isinstance(view.order, CREATIONS) or view.now <= latest + ATTENTION_LIMIT_S:
        return ()
    return (FailOperation(needs[0].code, "; ".join(dict.fromkeys(need.message for need in needs))),)


def list_parts(view: ClusterView) -> tuple[str, ...]:
    """Return the parts of the plan that the running order concerns."""
    order = view.order
    instances = tuple(instance.name for instance in view.wanted)
    if isinstance(order, CreateCluster):
        return (GROUPS_PART, *instances)
    if isinstance(order, RotatePasswords):
        return (ROTATION_PART, *instances)
    if isinstance(order, DeleteCluster):
        return (GROUPS_PART, *sorted({key.instance for key in view.records} - {""}))
    sources = tuple(instance.name for instance in view.wanted if instance.is_source)
    if isinstance(order, AdmitFollower):
        return (GROUPS_PART, *sources)
    if isinstance(order, AddInstance):
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
        instance = view.wanted.find_instance(order.instance)
        if instance is not None and instance.seed is not None:
            return (GROUPS_PART, *sources, order.instance)
        # The rule of a donor has to be gone before a replacement with a seed is done.
        return (GROUPS_PART, order.instance) if isinstance(order, ReplaceInstance) else (order.instance,)
    return (GROUPS_PART,)


def _list_missing_proofs(view: ClusterView) -> Iterator[Step]:
    """Yield what the order still waits for. A replica's time counts from its source's proof: it follows the source."""
    assert view.running is not None
    order, started_at = view.running.order, view.running.operation.started_at or 0.0
    proved = CreateCluster | AddInstance | ReplaceInstance | RenewInstance | AdmitFollower | RotatePasswords
    if not isinstance(order, proved):
        return
    names = set(list_parts(view))
    source = view.wanted.source
    for instance in view.wanted:
        if instance.name not in names:
            continue
        record = view.find_record(ResourceKind.SERVER, instance.name)
        since = max(started_at, record.intended_at if record else 0.0)
        if isinstance(order, RotatePasswords) and instance.is_source:
            # It proves itself twice: the second time counts from the last replica's proof.
            since = max(since, *(signal.at for signal in view.signals), 0.0)
        is_change_of_accounts = isinstance(order, CreateCluster | AddInstance | RotatePasswords)
        follows = is_change_of_accounts or instance.seed is not None
        if source is not None and not instance.is_source and follows:
            signal = view.find_signal(source)
            if signal is None or not signal.is_success:
                yield Waiting(f"{instance.name} waits for {source.name} to prove itself", PROOF_PAUSE_S)
                continue
            since = max(since, signal.at)
        if missing := find_missing_proof(view, instance, since):
            yield missing
    if isinstance(order, RotatePasswords):
        yield from list_missing_contacts(view, started_at)


def build_result(view: ClusterView, instances: tuple[WantedInstance, ...]) -> dict[str, str]:
    """Return the ids in the cloud of what these instances consist of."""
    kinds = (ResourceKind.SERVER, ResourceKind.VOLUME, ResourceKind.PORT)
    found = {
        f"{instance.name}/{kind}": view.find_record(kind, instance.name)
        for instance in instances
        for kind in kinds
    }
    return {name: record.cloud_id for name, record in found.items() if record is not None and record.cloud_id}
