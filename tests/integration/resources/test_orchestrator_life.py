"""A cluster of ORCHESTRATOR on the embedded Heat: the store in a file, the service's threads, guests that signal."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import openstack
import pytest

from guestagent.controller import Stacks
from guestagent.controller.cluster_file import read_document
from guestagent.controller.openstack_heat import OpenStackHeat
from guestagent.embedded import Serving, serving
from guestagent.resources.operation import OperationState
from guestagent.resources.orchestrator.engine_factory import select_orchestrator
from guestagent.resources.orders import (
    AddInstance,
    CreateCluster,
    CreateRules,
    CreateSecurityGroup,
    DeleteCluster,
    DeleteInstance,
    DeleteSecurityGroup,
    MigrateInstance,
    RegisterCluster,
    RenewInstance,
    ReplaceInstance,
    ResizeFailure,
    ResizeInstance,
    ResizeVolume,
    RestartInstance,
    UnregisterCluster,
    UpdateRuleCidr,
    VolumeFate,
)
from guestagent.resources.rule import build_rule
from tests.support.orders import build_order
from tests.support.served_engines import ServedEngines, serve_engines
from tests.support.signalling_guests import SignallingHypervisor

pytestmark = pytest.mark.timeout(900)

OLD, NEW = ip_network("192.0.2.0/24"), ip_network("198.51.100.0/24")
DESCRIPTION: dict[str, object] = {
    "flavor": "m1.tiny",
    "image": "guestagent-mariadb",
    "network": "embedded",
    "client_networks": [str(OLD)],
    "zone": "nova",
    "volume": {"size_gib": 1},
    "source": {},
    "replicas": 1,
}


@pytest.fixture(scope="module")
def guests() -> SignallingHypervisor:
    return SignallingHypervisor()


@pytest.fixture(scope="module")
def served(guests: SignallingHypervisor) -> Iterator[Serving]:
    with serving(guests) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def manager(served: Serving, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedEngines]:
    folder: Path = tmp_path_factory.mktemp("manager")
    with (
        openstack.connect(**served.connect) as connection,
        serve_engines(folder, connection, select_orchestrator) as manager,
    ):
        yield manager


def test_a_cluster_lives_and_leaves_the_project_as_it_was(manager: ServedEngines) -> None:
    before = manager.list_everything()

    created = manager.carry_out(CreateCluster, description=DESCRIPTION)
    assert created.state is OperationState.DONE, created
    assert created.result.keys() == {"stack"}

    added = manager.carry_out(AddInstance, flavor="m1.tiny", image="guestagent-mariadb", volume_gib=1)
    assert added.state is OperationState.DONE, added
    seen = manager.observe()
    assert {server.status for server in seen.servers.values()} == {"ACTIVE"}
    assert len(seen.servers) == len(seen.volumes) == 3

    instances = manager.intake.instances("shop")
    assert [(each.name, each.role, str(each.state)) for each in instances] == [
        ("Master0000", "source", "ready"),
        ("Slave0000", "replica", "ready"),
        ("Slave0001", "replica", "ready"),
    ]
    assert {each.server_id for each in instances} == seen.servers.keys()
    assert {each.volume_id for each in instances} == seen.volumes.keys()
    assert manager.intake.owner("shop").engine == "orchestrator"
    assert manager.intake.audit() == []

    grown = manager.carry_out(ResizeVolume, instance="Slave0000", size_gib=2)
    assert grown.state is OperationState.DONE, grown
    assert sorted(volume.size_gib for volume in manager.observe().volumes.values()) == [1, 1, 2]

    resized = manager.carry_out(
        ResizeInstance, instance="Slave0000", flavor="m1.small", on_failure=ResizeFailure.KEEP
    )
    assert resized.state is OperationState.DONE, resized
    assert sorted(each.flavor for each in manager.observe().servers.values()) == [
        "m1.small",
        "m1.tiny",
        "m1.tiny",
    ]

    rule = build_rule(OLD, port_min=3306)
    moved = manager.carry_out(UpdateRuleCidr, group="database", rule=rule, network=NEW)
    assert moved.state is OperationState.DONE, moved
    allowed = manager.carry_out(CreateRules, group="database", rules=(build_rule(OLD, port_min=3306),))
    assert allowed.state is OperationState.DONE, allowed
    rules = {rule for group in manager.observe().groups.values() for rule in group.rules.values()}
    assert {rule, rule.with_network(NEW)} <= rules

    check_groups(manager)
    check_servers(manager)

    renewed = manager.carry_out(RenewInstance, instance="Master0000")
    assert renewed.state is OperationState.DONE, renewed
    removed = manager.carry_out(DeleteInstance, instance="Slave0000", volume=VolumeFate.DELETE)
    assert removed.state is OperationState.DONE, removed
    assert len(manager.observe().servers) == len(manager.observe().volumes) == 2

    deleted = manager.carry_out(DeleteCluster, volumes=VolumeFate.DELETE)
    assert deleted.state is OperationState.DONE, deleted
    assert manager.list_everything() == before
    assert manager.store.read("shop") is None


def check_groups(manager: ServedEngines) -> None:
    """Give the nodes another security group, and check that all of it is in force."""
    rule = build_rule(OLD, port_min=9104)
    made = manager.carry_out(CreateSecurityGroup, group="monitoring", rules=(rule, build_rule(OLD, "icmp")))
    assert made.state is OperationState.DONE, made
    moved = manager.carry_out(UpdateRuleCidr, group="monitoring", rule=rule, network=NEW)
    assert moved.state is OperationState.DONE, moved

    database, monitoring = manager.intake.security_groups("shop")

    for group in (database, monitoring):
        assert (set(group.rules), group.drift) == (set(group.wanted_rules), ())
    assert rule.with_network(NEW) in monitoring.rules
    ports = [port.groups for port in manager.observe().ports.values()]
    assert ports == [{database.id, monitoring.id}] * 3
    deleted = manager.carry_out(DeleteSecurityGroup, group="monitoring")
    assert deleted.state is OperationState.DONE, deleted
    assert [port.groups for port in manager.observe().ports.values()] == [{database.id}] * 3


def check_servers(manager: ServedEngines) -> None:
    """Restart, migrate and replace a replica: it is the same instance with the same volume and port."""
    before = manager.intake.instances("shop")[1]

    for order_type in (RestartInstance, MigrateInstance, ReplaceInstance):
        done = manager.carry_out(order_type, instance="Slave0000")
        assert done.state is OperationState.DONE, done

    after = manager.intake.instances("shop")[1]
    assert (after.volume_id, after.port_id, after.addresses) == (
        before.volume_id,
        before.port_id,
        before.addresses,
    )
    assert after.server_id != before.server_id
    assert after.generation == before.generation + 3
    assert str(after.state) == "ready"
    assert {server.status for server in manager.observe().servers.values()} == {"ACTIVE"}


def test_a_resize_without_a_host_fails_at_once_by_the_words_of_nova(manager: ServedEngines) -> None:
    name = {"cluster": "rigid"}
    description = {**DESCRIPTION, "replicas": 0}
    assert manager.intake.preflight(build_order(CreateCluster, **name, description=description)) == ()
    manager.carry_out(CreateCluster, **name, description=description)

    failed = manager.carry_out(
        ResizeInstance, **name, instance="Master0000", flavor="no-host", on_failure=ResizeFailure.KEEP
    )

    assert failed.state is OperationState.FAILED
    assert failed.refusal is not None
    assert failed.refusal.code == "no_capacity", failed
    deleted = manager.carry_out(DeleteCluster, **name, volumes=VolumeFate.KEEP)
    assert deleted.state is OperationState.DONE
    assert [volume.status for volume in manager.observe().volumes.values()] == ["available"]
    (finding,) = manager.intake.audit()
    assert (finding.resource, str(finding.kind)) == ("volume", "unsettled")
    assert finding.text.endswith("it is a finding: kept_volume")


def test_a_stack_of_the_command_line_is_registered_changed_and_let_go(
    manager: ServedEngines, served: Serving
) -> None:
    with openstack.connect(**served.connect) as connection:
        stacks = Stacks(OpenStackHeat(connection), every=0.1)
        stacks.wait(stacks.create("own", read_document(DESCRIPTION).cluster))
        assert manager.carry_out(RegisterCluster, cluster="own").state is OperationState.DONE
        renewed = manager.carry_out(RenewInstance, cluster="own", instance="Slave0000")
        assert renewed.state is OperationState.DONE, renewed

        assert manager.carry_out(UnregisterCluster, cluster="own").state is OperationState.DONE

        assert manager.store.read("own") is None
        assert stacks.cluster("own").node("Slave0000").generation == 2
        stacks.wait(stacks.delete("own"))
