"""The seed of a replica that joins: its size before the server is created, and its end once the replica is there. Pure.

A replica whose data volume is gone is seeded again by the order that replaces it.
"""

from __future__ import annotations

from dataclasses import replace

from guestagent.controller.seed import NodeSeed
from guestagent.resources.description import build_cluster
from guestagent.resources.instance_seed import begin_seed, measure_source, plan_seed_time
from guestagent.resources.natives.cluster_view import ClusterView
from guestagent.resources.natives.signal_evidence import read_evidence
from guestagent.resources.natives.steps import ChangeInstance, Steps
from guestagent.resources.orders import ReplaceInstance
from guestagent.resources.store.records import ResourceKey, ResourceKind, ResourcePhase
from guestagent.resources.wanted import WantedInstance


def plan_instance_seed(view: ClusterView, instance: WantedInstance) -> Steps:
    """Return the step that changes the instance's seed; none if it is as it should be."""
    if instance.seed is None:
        return _begin_lost_data(view, instance)
    if view.is_proved(instance):
        return (ChangeInstance(replace(instance, seed=None), "it has joined"),)
    key = ResourceKey(view.wanted.name, ResourceKind.SERVER, instance.name, epoch=instance.epoch)
    planned = _plan_size(view, instance.seed)
    if key in view.records or planned == instance.seed:
        return ()
    return (ChangeInstance(replace(instance, seed=planned), f"a seed of at most {planned.deadline} s"),)


def can_replace_volume(view: ClusterView, instance: WantedInstance) -> bool:
    """Return whether a data volume that is gone is replaced by an empty one: by order, if its data are elsewhere."""
    is_ordered = isinstance(view.order, ReplaceInstance) and view.order.instance == instance.name
    return is_ordered and not instance.is_source and instance.seed is not None


def _plan_size(view: ClusterView, seed: NodeSeed) -> NodeSeed:
    source = view.wanted.source
    assert source is not None, "only a replica of the cluster's own source has a seed"
    proofs = [each for each in view.signals if each.instance == source.name and each.is_success]
    latest = max(proofs, key=lambda signal: signal.generation, default=None)
    size = measure_source(source, read_evidence(latest))
    return plan_seed_time(seed, build_cluster(view.wanted).seeding, size)


def _begin_lost_data(view: ClusterView, instance: WantedInstance) -> Steps:
    """Begin the seed of a replica that gets a new volume. Its source has to prove the donor's account first."""
    volume = view.find_record(ResourceKind.VOLUME, instance.name)
    is_lost = volume is not None and volume.was_used and volume.phase is ResourcePhase.GONE
    is_ordered = isinstance(view.order, ReplaceInstance) and view.order.instance == instance.name
    seeded = begin_seed(view.wanted, instance)
    source = view.wanted.source
    if not is_lost or not is_ordered or instance.is_source or seeded.seed is None or source is None:
        return ()
    return (
        ChangeInstance(source.renewed(), "prove the account of a donor"),
        ChangeInstance(seeded, "its data volume is gone: it gets its source's data"),
    )
