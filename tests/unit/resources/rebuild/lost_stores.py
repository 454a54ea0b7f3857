"""A world whose store is lost, and rebuilt from its cloud."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from guestagent.resources.endpoint.key_ring import KEY_BYTES, KeyRing
from guestagent.resources.orchestrator.stack_inventory import StackEntry
from guestagent.resources.rebuild.cloud_evidence import CloudEvidence, rebuild_clusters
from guestagent.resources.rebuild.natives_cluster import RebuildInputs
from guestagent.resources.rebuild.rebuilt_cluster import Rebuild, RebuiltCluster
from guestagent.resources.store.memory_rows import MemoryCluster
from guestagent.resources.wanted import WantedCluster
from guestagent.resources.wanted_document import load_wanted
from tests.unit.resources.natives.worlds import KillableStore, World

GENERATION = 100_000
RING = KeyRing("k1-00", {"k1-00": bytes(KEY_BYTES)})


def rebuild(
    world: World,
    stacks: Sequence[StackEntry] = (),
    store_id: str | None = None,
    left_out: Sequence[str] = (),
    descriptions: Mapping[str, WantedCluster] | None = None,
    ring: KeyRing = RING,
) -> Rebuild:
    """Return what the cloud of a world shows of its store."""
    inputs = RebuildInputs(ring=ring, generation=GENERATION, descriptions=descriptions or {})
    evidence = CloudEvidence(world.cloud.observe(), stacks)
    return rebuild_clusters(evidence, inputs, store_id, left_out)


def rebuild_only(world: World, **values: object) -> RebuiltCluster:
    """Return the only cluster."""
    [cluster] = rebuild(world, **values).clusters  # type: ignore[arg-type]
    return cluster


def get_wanted(cluster: RebuiltCluster) -> WantedCluster:
    assert cluster.cluster.wanted is not None
    return load_wanted(cluster.cluster.wanted)


def lose_store(world: World) -> None:
    """Put what can be rebuilt into a new store, and go on with a new worker."""
    clusters = rebuild(world).clusters
    assert [each.problems for each in clusters] == [()] * len(clusters)
    world.store = KillableStore(world.clock, world.killer)
    for each in clusters:
        world.store._rows.clusters[each.cluster.name] = MemoryCluster(
            each.cluster,
            due_at=0.0,
            resources={record.key: record for record in each.resources},
            signals={(signal.instance, signal.generation): signal for signal in each.signals},
        )
    world.loop = world.start_worker()
    world.cloud.requests.clear()
