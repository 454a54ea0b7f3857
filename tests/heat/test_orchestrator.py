"""A cluster of ORCHESTRATOR on a real Heat, with real guests on the embedded Nova and Cinder."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest

from guestagent.embedded.openstack.neutron.network import NETWORK_ID
from guestagent.resources.operation import OperationState
from guestagent.resources.orchestrator.engine_factory import select_orchestrator
from guestagent.resources.orders import (
    CreateCluster,
    CreateSecurityGroup,
    DeleteCluster,
    DeleteSecurityGroup,
    MigrateInstance,
    RenewInstance,
    ReplaceInstance,
    ResizeFailure,
    ResizeInstance,
    ResizeVolume,
    RestartInstance,
    UpdateRuleCidr,
    VolumeFate,
)
from guestagent.resources.rule import build_rule
from tests.support.guest_cloud import GuestCloud
from tests.support.served_engines import ServedEngines, serve_engines

pytestmark = pytest.mark.timeout(900)

OLD, NEW = ip_network("10.1.0.0/16"), ip_network("10.2.0.0/16")
DESCRIPTION: dict[str, object] = {
    "flavor": "m1.small",
    "image": "guestagent-mariadb",
    "network": NETWORK_ID,
    "polling_interval": 2,
    "client_networks": [str(OLD)],
    "volume": {"size_gib": 1},
    "source": {},
    "replicas": 1,
}


@pytest.fixture
def manager(real_heat: GuestCloud, tmp_path: Path) -> Iterator[ServedEngines]:
    if not Path("/dev/loop-control").exists():
        pytest.skip("this machine has no loop devices")
    with serve_engines(tmp_path, real_heat.operator, select_orchestrator) as manager:
        yield manager


def test_a_cluster_lives_and_leaves_the_project_as_it_was(manager: ServedEngines) -> None:
    before = manager.list_everything()
    name = {"cluster": "shop"}

    for order_type, values in (
        (CreateCluster, {"description": DESCRIPTION}),
        (ResizeVolume, {"instance": "Slave0000", "size_gib": 2}),
        (ResizeInstance, {"instance": "Slave0000", "flavor": "m1.medium"}),
        (
            UpdateRuleCidr,
            {"group": "database", "rule": build_rule(OLD, port_min=3306), "network": NEW},
        ),
        (RenewInstance, {"instance": "Master0000"}),
    ):
        done = manager.carry_out(order_type, **name, **values)
        assert done.state is OperationState.DONE, done

    source, replica = manager.intake.instances("shop")
    assert (str(source.state), str(replica.state), replica.flavor) == ("ready", "ready", "m1.medium")
    assert replica.volume_gib == 2
    assert replica.guest_volume_gib is not None
    assert replica.guest_volume_gib > 1
    (group,) = manager.intake.security_groups("shop")
    assert group.drift == ()
    deleted = manager.carry_out(DeleteCluster, **name, volumes=VolumeFate.DELETE)
    assert deleted.state is OperationState.DONE, deleted
    assert manager.list_everything() == before


def test_a_resize_without_a_host_fails_while_heat_waits_for_good(manager: ServedEngines) -> None:
    name, description = {"cluster": "rigid"}, {**DESCRIPTION, "replicas": 0}
    created = manager.carry_out(CreateCluster, **name, description=description)
    assert created.state is OperationState.DONE, created

    failed = manager.carry_out(
        ResizeInstance, **name, instance="Master0000", flavor="no-host", on_failure=ResizeFailure.KEEP
    )

    assert failed.refusal is not None
    assert failed.refusal.code == "no_capacity", failed
    deleted = manager.carry_out(DeleteCluster, **name, volumes=VolumeFate.DELETE)
    assert deleted.state is OperationState.DONE, deleted


def test_a_server_is_restarted_migrated_and_replaced_with_its_data(manager: ServedEngines) -> None:
    before, name = manager.list_everything(), {"cluster": "mobile"}
    description = {**DESCRIPTION, "replicas": 0, "zone": "nova"}
    created = manager.carry_out(CreateCluster, **name, description=description)
    assert created.state is OperationState.DONE, created
    (old,) = manager.intake.instances("mobile")
    rule = build_rule(OLD, port_min=9104)

    for order_type, values in (
        (CreateSecurityGroup, {"group": "monitoring", "rules": (rule, build_rule(OLD, "icmp"))}),
        (UpdateRuleCidr, {"group": "monitoring", "rule": rule, "network": NEW}),
        (RestartInstance, {"instance": "Master0000"}),
        (MigrateInstance, {"instance": "Master0000"}),
        (ReplaceInstance, {"instance": "Master0000"}),
    ):
        done = manager.carry_out(order_type, **name, **values)
        assert done.state is OperationState.DONE, done

    (new,) = manager.intake.instances("mobile")
    assert (new.volume_id, new.port_id, new.addresses) == (old.volume_id, old.port_id, old.addresses)
    assert new.server_id != old.server_id
    assert (str(new.state), new.proved_generation) == ("ready", 4)
    database, monitoring = manager.intake.security_groups("mobile")
    assert (database.drift, monitoring.drift) == ((), ())
    assert rule.with_network(NEW) in monitoring.rules
    removed = manager.carry_out(DeleteSecurityGroup, **name, group="monitoring")
    assert removed.state is OperationState.DONE, removed
    deleted = manager.carry_out(DeleteCluster, **name, volumes=VolumeFate.DELETE)
    assert deleted.state is OperationState.DONE, deleted
    assert manager.list_everything() == before
