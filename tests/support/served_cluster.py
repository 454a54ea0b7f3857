"""A cluster of NATIVES in a store, as an endpoint serves it to its nodes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

from guestagent.resources.description import read_description
from guestagent.resources.endpoint.key_ring import KeyRing, make_key_ring
from guestagent.resources.endpoint.node_answer import NodeAnswer
from guestagent.resources.endpoint.node_document import EndpointAddress
from guestagent.resources.endpoint.node_endpoint import NodeEndpoint
from guestagent.resources.endpoint.signed_path import NodePath, PathPurpose, sign_path
from guestagent.resources.instance_seed import begin_seed
from guestagent.resources.operation import OperationState
from guestagent.resources.orders import CreateCluster
from guestagent.resources.store.memory_store import MemoryStore
from guestagent.resources.store.records import (
    ClusterChange,
    ResourceKey,
    ResourceKind,
    ResourcePhase,
    ResourceRecord,
)
from guestagent.resources.wanted import WantedCluster
from guestagent.resources.wanted_document import dump_wanted, load_wanted

DESCRIPTION: dict[str, object] = {
    "flavor": "m1.small",
    "image": "guestagent-mariadb",
    "network": "private",
    "volume": {"size_gib": 10},
    "source": {},
    "replicas": 2,
}
VOLUME_IDS = {
    "Master0000": "11111111-1111-4111-8111-111111111111",
    "Slave0000": "22222222-2222-4222-8222-222222222222",
    "Slave0001": "33333333-3333-4333-8333-333333333333",
}
ADDRESS = "10.0.0.5"


@dataclass
class ServedCluster:
    """The cluster `shop`: its volumes and ports exist. `url` is how its nodes reach the endpoint."""

    url: str = "https://endpoint.example:8443"
    description: dict[str, object] = field(default_factory=lambda: dict(DESCRIPTION))
    ring: KeyRing = field(default_factory=make_key_ring)
    store: MemoryStore = field(default_factory=MemoryStore)

    def __post_init__(self) -> None:
        order = CreateCluster(request_id="create", cluster="shop", description=self.description)
        operation = self.store.accept(order, "natives", lambda _: None)
        wanted = read_description(order, self.ring.newest)
        records = tuple(
            record
            for number, instance in enumerate(wanted)
            for record in (
                build_record(ResourceKind.VOLUME, instance.name, cloud_id=VOLUME_IDS[instance.name]),
                build_record(ResourceKind.PORT, instance.name, address=f"10.0.0.{5 + number}"),
            )
        )
        done = replace(operation, state=OperationState.DONE)
        self.write(ClusterChange(wanted=dump_wanted(wanted), resources=records, operations=(done,)))

    @property
    def endpoint(self) -> NodeEndpoint:
        return NodeEndpoint(self.store, EndpointAddress(self.url, self.ring))

    @property
    def wanted(self) -> WantedCluster:
        snapshot = self.store.read("shop")
        assert snapshot is not None
        assert snapshot.cluster.wanted is not None
        return load_wanted(snapshot.cluster.wanted)

    def write(self, change: ClusterChange) -> None:
        lease = self.store.claim("worker")
        assert lease is not None
        lease.write(change)
        lease.release(0)

    def renew(self, *names: str) -> None:
        """Give instances their next generation."""
        wanted = self.wanted
        for name in names:
            instance = wanted.find_instance(name)
            assert instance is not None
            wanted = wanted.replace_instance(instance.renewed())
        self.write(ClusterChange(wanted=dump_wanted(wanted)))

    def join(self, name: str) -> None:
        """Have a replica join with a seed."""
        wanted = self.wanted
        replica = wanted.find_instance(name)
        assert replica is not None
        wanted = wanted.replace_instance(begin_seed(wanted, replica))
        self.write(ClusterChange(wanted=dump_wanted(wanted)))

    def sign(self, instance: str, purpose: PathPurpose, number: int = 1) -> tuple[str, str]:
        """Return the path and its genuine signature."""
        path = NodePath("shop", instance, purpose, number)
        snapshot = self.store.read("shop")
        assert snapshot is not None
        signed = sign_path(path, self.ring.get_key(self.ring.newest), snapshot.cluster.id)
        return str(path), signed.partition("?Signature=")[2]

    def read(
        self,
        instance: str,
        purpose: PathPurpose = PathPurpose.RUN,
        number: int = 1,
        reader: str = ADDRESS,
    ) -> NodeAnswer:
        """Have a node, or another reader, read a document."""
        return self.endpoint.read_document(*self.sign(instance, purpose, number), reader)

    def read_json(self, instance: str, purpose: PathPurpose = PathPurpose.RUN) -> dict[str, Any]:
        answer = self.read(instance, purpose)
        assert answer.status == 200
        document: dict[str, Any] = json.loads(answer.body)
        return document

    def signal(self, instance: str, generation: int = 1, status: str = "SUCCESS") -> NodeAnswer:
        """Have a node signal."""
        body = {"Status": status, "Reason": "ready", "UniqueId": f"{instance}-{generation}", "Data": "{}"}
        path, signature = self.sign(instance, PathPurpose.SIGNAL, generation)
        return self.endpoint.accept_signal(path, signature, json.dumps(body).encode())


def build_record(
    kind: ResourceKind, instance: str, cloud_id: str = "an-id", address: str = ""
) -> ResourceRecord:
    """Return the record of a resource that exists."""
    key = ResourceKey("shop", kind, instance)
    return ResourceRecord(key=key, phase=ResourcePhase.CREATED, cloud_id=cloud_id, address=address)
