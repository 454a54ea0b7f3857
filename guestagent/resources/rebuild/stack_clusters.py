"""Clusters of ORCHESTRATOR from the marks of their stacks: the template has the rest. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from guestagent.resources.orchestrator.stack_audit import ORCHESTRATOR
from guestagent.resources.orchestrator.stack_inventory import StackEntry
from guestagent.resources.orchestrator.stack_reference import StackReference, dump_reference
from guestagent.resources.orchestrator.template_mark import TemplateMark, read_mark
from guestagent.resources.rebuild.rebuilt_cluster import RebuiltCluster
from guestagent.resources.store.records import ClusterRecord


def list_stack_store_ids(stacks: Iterable[StackEntry]) -> list[str]:
    """Return the store's id in the mark of each stack."""
    return [mark.store for stack in stacks if (mark := _read_mark(stack)) is not None]


def rebuild_stack_clusters(stacks: Sequence[StackEntry], store_id: str) -> list[RebuiltCluster]:
    """Return the clusters of the stacks with this store's mark. One that is being deleted is left to Heat."""
    marked = [(stack, mark) for stack in stacks if (mark := _read_mark(stack)) is not None]
    return [
        _rebuild_cluster(stack, mark)
        for stack, mark in marked
        if mark.store == store_id and not stack.status.startswith("DELETE_")
    ]


def _rebuild_cluster(stack: StackEntry, mark: TemplateMark) -> RebuiltCluster:
    reference = StackReference(name=stack.name, stack_id=stack.id)
    record = ClusterRecord(
        id=mark.cluster, name=stack.name, engine=ORCHESTRATOR, wanted=dump_reference(reference)
    )
    return RebuiltCluster(cluster=record, lines=(f"stack {stack.id} ({stack.status})",))


def _read_mark(stack: StackEntry) -> TemplateMark | None:
    return read_mark({"description": stack.description})
