"""Compares the stacks and volumes of a project with the rows of the store. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from guestagent.controller.template.volume_resources import CLUSTER_KEY, ENGINE_KEY, INSTANCE_KEY, STORE_KEY
from guestagent.resources.audit_look import find_unreadable_reason
from guestagent.resources.natives.cloud_api import CloudVolume
from guestagent.resources.orchestrator.stack_inventory import StackEntry
from guestagent.resources.orchestrator.stack_reference import load_reference
from guestagent.resources.orchestrator.template_mark import read_mark
from guestagent.resources.orders import DeleteCluster
from guestagent.resources.store.records import ClusterSnapshot
from guestagent.resources.views import AuditFinding, FindingKind, build_finding_id

ORCHESTRATOR = "orchestrator"
UNMARKED_ADVICE = (
    "nothing shows which resource manager had it made, so `clean` does not delete it: use `openstack volume delete`, "
    "or give it this store's mark, {key}={store}, with `openstack volume set --property`"
)
"""About a volume of a release that did not mark volumes, or of `guestagent cluster`."""


def list_stack_findings(
    store_id: str, snapshots: Iterable[ClusterSnapshot], stacks: Sequence[StackEntry]
) -> Iterator[AuditFinding]:
    """Yield stacks with our mark that have no row, and rows that have no stack.

    A row that cannot be read has the stack of its cluster's name.
    """
    own = [each for each in snapshots if each.cluster.engine == ORCHESTRATOR]
    references = {
        each.cluster.name: load_reference(each.cluster.wanted)
        for each in own
        if each.cluster.wanted and not find_unreadable_reason(each, load_reference)
    }
    known_ids = {reference.stack_id for reference in references.values()}
    names = {each.cluster.name for each in own}
    for stack in stacks:
        mark = read_mark({"description": stack.description})
        is_ours = mark is not None and mark.store == store_id
        if is_ours and stack.id not in known_ids and stack.name not in names:
            text = f"stack {stack.name} ({stack.status}) is ours by its mark, and no row leads to it: register it"
            yield _build_finding(FindingKind.ORPHAN, stack.id, stack.name, text)
    present = {stack.id for stack in stacks}
    for snapshot in own:
        reference = references.get(snapshot.cluster.name)
        if reference is None or not reference.stack_id or reference.stack_id in present:
            continue
        if not any(isinstance(queued.order, DeleteCluster) for queued in snapshot.queue):
            text = f"stack {reference.name} does not exist any more: delete the cluster, or unregister it"
            yield _build_finding(FindingKind.MISSING, reference.stack_id, reference.name, text)


def list_kept_volumes(
    store_id: str, volumes: Iterable[CloudVolume], used_ids: Mapping[str, frozenset[str]]
) -> Iterator[AuditFinding]:
    """Yield the volumes of stacks that nothing uses any more. `used_ids` are those of each stack that exists.

    Those of other stores are left out. One without a store's mark may be anybody's, so that nothing here deletes it.
    """
    for volume in volumes:
        cluster = volume.metadata.get(CLUSTER_KEY, "")
        if not may_be_ours(store_id, volume) or volume.id in used_ids.get(cluster, frozenset()):
            continue
        instance, store = volume.metadata.get(INSTANCE_KEY, ""), volume.metadata.get(STORE_KEY, "")
        text = f"the data volume of {instance} of {cluster}, {volume.size_gib} GiB, was kept"
        yield AuditFinding(
            id=build_finding_id(ORCHESTRATOR, "volume", volume.id, volume.status, store),
            kind=FindingKind.KEPT_VOLUME,
            resource="volume",
            cloud_id=volume.id,
            cluster=cluster,
            instance=instance,
            text=text if store else f"{text}; {UNMARKED_ADVICE.format(key=STORE_KEY, store=store_id)}",
            is_cleanable=bool(store),
        )


def may_be_ours(store_id: str, volume: CloudVolume) -> bool:
    """Return whether a volume is free, and was made by a stack that is not known to be another store's."""
    is_of_stack = volume.metadata.get(ENGINE_KEY) == ORCHESTRATOR
    return (
        is_of_stack and volume.status == "available" and volume.metadata.get(STORE_KEY, "") in {"", store_id}
    )


def _build_finding(kind: FindingKind, stack_id: str, cluster: str, text: str) -> AuditFinding:
    return AuditFinding(
        id=build_finding_id(ORCHESTRATOR, "stack", stack_id, str(kind)),
        kind=kind,
        resource="stack",
        cloud_id=stack_id,
        cluster=cluster,
        text=text,
    )
