"""The life of NATIVES at work and then MIGRATION, over the same store and project of any cloud."""

from __future__ import annotations

from pathlib import Path

from openstack.connection import Connection

from guestagent.resources.migration.engine_factory import select_migration
from guestagent.resources.natives.engine_factory import select_natives
from guestagent.resources.operation import OperationState
from guestagent.resources.orders import (
    AddInstance,
    CreateCluster,
    DeleteCluster,
    Order,
    RenewInstance,
    ResizeInstance,
    ResizeVolume,
    RestartInstance,
    VolumeFate,
)
from tests.support.orders import DESCRIPTION, build_order
from tests.support.served_engines import ServedEngines, build_address, serve_engines


def live_through_a_migration(connection: Connection, folder: Path) -> None:
    """Check that the old cluster stays, and that the new one is a stack. The project has nothing else that changes."""
    address = build_address()
    with serve_engines(folder, connection, select_natives, address) as manager:
        before = manager.list_everything()
        first = manager.carry_out(CreateCluster, cluster="old", description=DESCRIPTION)
        assert first.state is OperationState.DONE, first
        begun = manager.intake.submit(
            build_order(CreateCluster, cluster="begun", description={**DESCRIPTION, "replicas": 0})
        )

    with serve_engines(folder, connection, select_migration, address) as manager:
        assert manager.await_end(begun).state is OperationState.DONE
        new = manager.carry_out(CreateCluster, cluster="new", description=DESCRIPTION)
        assert new.state is OperationState.DONE, new
        engines = {each.name: each.engine for each in manager.intake.clusters()}
        assert engines == {"begun": "natives", "new": "orchestrator", "old": "natives"}
        assert {name: manager.intake.owner(name).engine for name in engines} == engines

        carry_out_all(
            manager,
            build_order(RestartInstance, cluster="old", instance="Slave0000"),
            build_order(ResizeVolume, cluster="old", instance="Slave0000", size_gib=2),
            build_order(ResizeInstance, cluster="old", instance="Slave0000", flavor="m1.small"),
            build_order(
                AddInstance, cluster="new", flavor="m1.tiny", image="guestagent-mariadb", volume_gib=1
            ),
            build_order(ResizeVolume, cluster="new", instance="Slave0000", size_gib=2),
            build_order(RenewInstance, cluster="new", instance="Master0000"),
            build_order(RenewInstance, cluster="begun", instance="Master0000"),
        )
        for name, count in (("old", 2), ("begun", 1), ("new", 3)):
            instances = manager.intake.instances(name)
            assert [str(each.state) for each in instances] == ["ready"] * count
        assert manager.intake.audit() == []

        carry_out_all(
            manager,
            *(build_order(DeleteCluster, cluster=name, volumes=VolumeFate.DELETE) for name in engines),
        )
        assert manager.list_everything() == before
        assert manager.intake.clusters() == ()


def carry_out_all(manager: ServedEngines, *orders: Order) -> None:
    """Give all orders at once, and wait for all."""
    operations = [manager.intake.submit(order) for order in orders]
    ends = [manager.await_end(operation) for operation in operations]
    assert [(end.kind, end.state) for end in ends] == [(end.kind, OperationState.DONE) for end in ends], ends
