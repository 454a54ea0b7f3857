"""The whole life of a cluster of NATIVES, in a project that may have other resources."""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import ip_network

from guestagent.resources.natives.cloud_api import CloudObservation, CloudServer, CloudVolume
from guestagent.resources.operation import OperationState
from guestagent.resources.orders import (
    AddInstance,
    CreateCluster,
    DeleteCluster,
    DeleteInstance,
    ResizeInstance,
    ResizeVolume,
    UpdateRuleCidr,
    VolumeFate,
)
from guestagent.resources.rule import build_rule
from tests.support.natives_manager import NativesManager

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


def list_everything(observation: CloudObservation) -> tuple[set[str], ...]:
    kinds = (observation.servers, observation.volumes, observation.ports, observation.groups)
    return (*(set(kind) for kind in kinds), {each.id for each in observation.attachments})


def list_servers(manager: NativesManager, foreign: Collection[str]) -> list[CloudServer]:
    """Return the servers that are there, without the foreign ones."""
    return [server for server in manager.observe().servers.values() if server.id not in foreign]


def list_volumes(manager: NativesManager, foreign: Collection[str]) -> list[CloudVolume]:
    """Return the volumes that are there, without the foreign ones."""
    return [volume for volume in manager.observe().volumes.values() if volume.id not in foreign]


def live_through_all_orders(manager: NativesManager) -> None:
    """Check that a cluster lives through every kind of order, and leaves the project as it was."""
    at_first = manager.observe()
    foreign = {*at_first.servers, *at_first.volumes}

    created = manager.carry_out(CreateCluster, description=DESCRIPTION)
    assert created.state is OperationState.DONE, created
    documents = manager.guests.documents
    replica = next(document for name, document in documents.items() if "Slave0000" in name)
    source = next(document for name, document in documents.items() if "Master0000" in name)
    assert replica["Master"]["User"] == source["Users"][0]

    added = manager.carry_out(AddInstance, flavor="m1.tiny", image="guestagent-mariadb", volume_gib=1)
    assert added.state is OperationState.DONE, added
    assert [server.status for server in list_servers(manager, foreign)] == ["ACTIVE"] * 3
    assert len(list_volumes(manager, foreign)) == 3

    grown = manager.carry_out(ResizeVolume, instance="Slave0000", size_gib=2)
    assert grown.state is OperationState.DONE, grown
    assert sorted(volume.size_gib for volume in list_volumes(manager, foreign)) == [1, 1, 2]

    resized = manager.carry_out(ResizeInstance, instance="Slave0001", flavor="m1.small")
    assert resized.state is OperationState.DONE, resized
    flavors = sorted(server.flavor for server in list_servers(manager, foreign))
    assert flavors == ["m1.small", "m1.tiny", "m1.tiny"]

    rule = build_rule(OLD, port_min=3306)
    moved = manager.carry_out(UpdateRuleCidr, group="database", rule=rule, network=NEW)
    assert moved.state is OperationState.DONE, moved
    rules = {rule for group in manager.observe().groups.values() for rule in group.rules.values()}
    assert (rule.with_network(NEW) in rules, rule in rules) == (True, False)

    removed = manager.carry_out(DeleteInstance, instance="Slave0001", volume=VolumeFate.DELETE)
    assert removed.state is OperationState.DONE, removed
    deleted = manager.carry_out(DeleteCluster, volumes=VolumeFate.DELETE)
    assert deleted.state is OperationState.DONE, deleted
    assert list_everything(manager.observe()) == list_everything(at_first)
    assert manager.store.read("shop") is None
