"""A store that was restored from an older backup: the cloud knows more than it does."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from guestagent.resources.operation import OperationState
from guestagent.resources.orders import AddInstance, DeleteCluster, Order, ResizeInstance, VolumeFate
from tests.support.orders import build_order
from tests.unit.resources.natives.invariants import find_differences
from tests.unit.resources.natives.worlds import World


def add_replica() -> Order:
    order: Order = build_order(AddInstance, flavor="m1.small", image="guestagent-mariadb", volume_gib=5)
    return order


def back_up(world: World) -> dict[str, Any]:
    """Return what the store holds of the cluster now."""
    cluster = world.store._rows.clusters["shop"]
    return {name: deepcopy(getattr(cluster, name)) for name in ("record", "resources", "signals", "contacts")}


def restore(world: World, backup: dict[str, Any]) -> None:
    cluster = world.store._rows.clusters["shop"]
    for name, value in backup.items():
        setattr(cluster, name, value)
    world.loop = world.start_worker()


def test_what_was_made_since_the_backup_is_found_again_and_not_made_twice() -> None:
    world = World().create()
    backup = back_up(world)
    world.run(add_replica())
    restore(world, backup)
    world.cloud.requests.clear()

    operation = world.run(add_replica())

    assert operation.state is OperationState.DONE
    assert (len(world.cloud.project.servers), len(world.cloud.project.volumes)) == (2, 2)
    assert find_differences(world) == []


def test_a_restored_store_touches_nothing_by_itself() -> None:
    world = World().create()
    backup = back_up(world)
    world.run(add_replica())
    world.run(build_order(ResizeInstance, instance="Master0000", flavor="m1.large"))
    restore(world, backup)
    world.cloud.requests.clear()

    world.live(300)

    assert world.cloud.requests == []
    assert len(world.cloud.project.servers) == 2


def test_a_deletion_after_a_restoration_leaves_what_the_store_does_not_know() -> None:
    world = World().create()
    backup = back_up(world)
    world.run(add_replica())
    restore(world, backup)

    world.run_until_stuck(build_order(DeleteCluster, volumes=VolumeFate.DELETE))
    world.live(100)

    remaining = [each.metadata["guestagent:instance"] for each in world.cloud.project.servers.values()]
    assert remaining == ["Slave0000"], "an audit names it"
