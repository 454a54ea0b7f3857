"""A cluster of NATIVES on the embedded cloud: the store in a file, the service's threads, guests that signal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import openstack
import pytest

from guestagent.embedded import FakeHypervisor, Serving, serving
from guestagent.resources.endpoint.application import build_application
from guestagent.resources.endpoint.key_ring import make_key_ring
from guestagent.resources.endpoint.node_document import EndpointAddress
from guestagent.resources.endpoint.node_endpoint import NodeEndpoint
from guestagent.resources.endpoint.server import EndpointServer, EndpointSettings
from guestagent.resources.intake import OrderIntake
from guestagent.resources.natives.cloud_api import CloudObservation
from guestagent.resources.natives.engine import NativesEngine
from guestagent.resources.natives.openstack_project import OpenStackProject
from guestagent.resources.operation import Operation, OperationState
from guestagent.resources.orders import (
    AddInstance,
    CreateCluster,
    DeleteCluster,
    DeleteInstance,
    Order,
    ResizeInstance,
    ResizeVolume,
    UpdateRuleCidr,
    VolumeFate,
)
from guestagent.resources.resource_service import ResourceService, UserDataSource, build_description_reader
from guestagent.resources.rule import build_rule
from guestagent.resources.store.sql_store import SqlStore
from guestagent.resources.store.store_opening import open_sql_store
from guestagent.secret import Secret
from tests.support.database_servers import find_free_port
from tests.support.imitated_guests import ImitatedGuests
from tests.unit.resources.clusters import build_order

pytestmark = pytest.mark.timeout(300)

HOST = "127.0.0.1"
OLD, NEW = ip_network("192.0.2.0/24"), ip_network("198.51.100.0/24")
DESCRIPTION: dict[str, object] = {
    "flavor": "m1.tiny",
    "image": "guestagent-mariadb",
    "subnet": "embedded-subnet",
    "volume": {"size_gib": 1},
    "client_networks": [str(OLD)],
    "source": {},
    "replicas": 1,
}


@dataclass
class Manager:
    """The resource manager over one project of the embedded cloud."""

    intake: OrderIntake
    store: SqlStore
    project: OpenStackProject
    guests: ImitatedGuests

    def carry_out(self, order_type: type[Order], **values: Any) -> Operation:
        """Give an order, and return its operation when it has ended."""
        operation = self.intake.submit(build_order(order_type, **values))
        while not operation.state.is_final:
            operation = self.intake.wait(operation.id, operation.sequence, 20)
        return operation

    def observe(self) -> CloudObservation:
        return self.project.observe()


@pytest.fixture(scope="module")
def served() -> Iterator[Serving]:
    with serving() as served:
        yield served


@pytest.fixture(scope="module")
def manager(served: Serving, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    folder: Path = tmp_path_factory.mktemp("manager")
    store = open_sql_store(Secret(f"sqlite:///{folder}/store/orders.db"))
    ring, port = make_key_ring(), find_free_port()
    address = EndpointAddress(f"http://{HOST}:{port}", ring)
    endpoint = EndpointServer(EndpointSettings(HOST, port), build_application(NodeEndpoint(store, address)))
    hypervisor = served.hypervisor
    assert isinstance(hypervisor, FakeHypervisor)
    with openstack.connect(**served.connect) as connection, ImitatedGuests(hypervisor) as guests:
        project = OpenStackProject(connection)
        engine = NativesEngine(project, store.id, UserDataSource(store, address).build)
        read_description = build_description_reader(ring.newest)
        service = ResourceService(store, {"natives": engine}, read_description, "test", parts=(endpoint,))
        service.open()
        yield Manager(OrderIntake(store, engine, read_description), store, project, guests)
        service.close()
    store.close()


def list_everything(observation: CloudObservation) -> tuple[set[str], ...]:
    kinds = (observation.servers, observation.volumes, observation.ports, observation.groups)
    return (*(set(kind) for kind in kinds), {each.id for each in observation.attachments})


def test_a_cluster_lives_and_leaves_the_project_as_it_was(manager: Manager) -> None:
    before = list_everything(manager.observe())

    created = manager.carry_out(CreateCluster, description=DESCRIPTION)
    assert created.state is OperationState.DONE, created
    documents = manager.guests.documents
    replica = next(document for name, document in documents.items() if "Slave0000" in name)
    source = next(document for name, document in documents.items() if "Master0000" in name)
    assert replica["Master"]["User"] == source["Users"][0]

    added = manager.carry_out(AddInstance, flavor="m1.tiny", image="guestagent-mariadb", volume_gib=1)
    assert added.state is OperationState.DONE, added
    seen = manager.observe()
    assert {server.status for server in seen.servers.values()} == {"ACTIVE"}
    assert len(seen.servers) == len(seen.volumes) == 3

    grown = manager.carry_out(ResizeVolume, instance="Slave0000", size_gib=2)
    assert grown.state is OperationState.DONE, grown
    assert sorted(volume.size_gib for volume in manager.observe().volumes.values()) == [1, 1, 2]

    resized = manager.carry_out(ResizeInstance, instance="Slave0001", flavor="m1.small")
    assert resized.state is OperationState.DONE, resized
    flavors = {server.name: server.flavor for server in manager.observe().servers.values()}
    assert sorted(flavors.values()) == ["m1.small", "m1.tiny", "m1.tiny"]

    rule = build_rule(OLD, port_min=3306)
    moved = manager.carry_out(UpdateRuleCidr, group="database", rule=rule, network=NEW)
    assert moved.state is OperationState.DONE, moved
    rules = {rule for group in manager.observe().groups.values() for rule in group.rules.values()}
    assert (rule.with_network(NEW) in rules, rule in rules) == (True, False)

    removed = manager.carry_out(DeleteInstance, instance="Slave0001", volume=VolumeFate.DELETE)
    assert removed.state is OperationState.DONE, removed
    deleted = manager.carry_out(DeleteCluster, volumes=VolumeFate.DELETE)
    assert deleted.state is OperationState.DONE, deleted
    assert list_everything(manager.observe()) == before
    assert manager.store.read("shop") is None


def test_a_resize_without_a_host_fails_by_name_and_keeps_the_flavor(manager: Manager) -> None:
    name = {"cluster": "rigid"}
    manager.carry_out(CreateCluster, **name, description={**DESCRIPTION, "replicas": 0})

    failed = manager.carry_out(ResizeInstance, **name, instance="Master0000", flavor="no-host")

    assert failed.state is OperationState.FAILED
    assert failed.refusal is not None
    assert failed.refusal.code == "no_capacity"
    assert {server.flavor for server in manager.observe().servers.values()} == {"m1.tiny"}
    kept = manager.carry_out(DeleteCluster, **name, volumes=VolumeFate.KEEP)
    assert kept.state is OperationState.DONE
    assert [volume.status for volume in manager.observe().volumes.values()] == ["available"]
