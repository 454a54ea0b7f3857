"""Looks at a project, and decides what a lost store held. Nothing is sent that changes something."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from guestagent.resources.audit_look import require_complete
from guestagent.resources.natives.cloud_api import CloudApi, CloudObservation
from guestagent.resources.natives.cloud_lookups import add_holders
from guestagent.resources.orchestrator.stack_inventory import StackEntry, StackInventory
from guestagent.resources.rebuild.marked_resources import group_marked_resources, list_store_ids
from guestagent.resources.rebuild.natives_cluster import RebuildInputs, rebuild_natives_cluster
from guestagent.resources.rebuild.rebuilt_cluster import Rebuild, choose_store_id, find_name_problems
from guestagent.resources.rebuild.stack_clusters import list_stack_store_ids, rebuild_stack_clusters


@dataclass(frozen=True, slots=True)
class CloudEvidence:
    """What one look at a project shows of the managers in it."""

    observed: CloudObservation
    stacks: Sequence[StackEntry] = ()


def collect_evidence(cloud: CloudApi, stacks: StackInventory | None) -> CloudEvidence:
    """Look once. `stacks` is None in a cloud without Heat. Raise CloudUnreachable if a list is incomplete."""
    observed = add_holders(cloud, require_complete(cloud.observe()))
    return CloudEvidence(observed, () if stacks is None else stacks.list_stacks())


def rebuild_clusters(
    evidence: CloudEvidence, inputs: RebuildInputs, store_id: str | None, left_out: Collection[str] = ()
) -> Rebuild:
    """Return what a lost store held, without the clusters that are `left_out`. Pure.

    Raise InvalidInput if it is open which store was lost.
    """
    seen = [*list_store_ids(evidence.observed), *list_stack_store_ids(evidence.stacks)]
    chosen = choose_store_id(seen, store_id)
    marked, notes = group_marked_resources(evidence.observed, chosen)
    clusters = [
        *(rebuild_natives_cluster(each, inputs) for each in marked),
        *rebuild_stack_clusters(evidence.stacks, chosen),
    ]
    clusters = [each for each in clusters if each.cluster.name not in left_out]
    shared = find_name_problems(clusters)
    judged = (
        replace(each, problems=(*each.problems, shared[each.cluster.name]))
        if each.cluster.name in shared
        else each
        for each in clusters
    )
    return Rebuild(chosen, tuple(judged), tuple(notes))
