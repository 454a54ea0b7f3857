"""What a node of NATIVES reads: its document, and when it may read it. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from guestagent.controller.cluster import Cluster
from guestagent.controller.template.node_metadata import build_document
from guestagent.controller.template.node_values import NodeValues
from guestagent.metadata import CfnHandle, DataVolume, Document, dump
from guestagent.resources.description import build_cluster
from guestagent.resources.endpoint.key_ring import KeyRing
from guestagent.resources.endpoint.signed_path import NodePath, PathPurpose, sign_path
from guestagent.resources.store.records import ClusterSnapshot, ResourceKind, ResourceRecord, SignalEntry
from guestagent.resources.wanted import WantedCluster, WantedInstance
from guestagent.secret import Secret

COLLECTOR_KEY = "os-collect-config"


@dataclass(frozen=True, slots=True)
class EndpointAddress:
    """The address of the endpoint as the guests reach it (`https://host:port`), and the ring with its keys."""

    url: str
    ring: KeyRing

    def build_url(self, snapshot: ClusterSnapshot, wanted: WantedCluster, path: NodePath) -> str:
        """Return the signed URL of a path."""
        return self.url + sign_path(path, self.ring.get_key(wanted.key_id), snapshot.cluster.id)


def build_boot_document(
    snapshot: ClusterSnapshot, wanted: WantedCluster, instance: WantedInstance, endpoint: EndpointAddress
) -> dict[str, Any]:
    """Return the document of the address in the user data: where the real one is, and nothing else."""
    path = NodePath(wanted.name, instance.name, PathPurpose.RUN, instance.epoch)
    url = endpoint.build_url(snapshot, wanted, path)
    return {COLLECTOR_KEY: {"collectors": "request", "request": {"metadata_url": url}}}


def build_run_document(
    snapshot: ClusterSnapshot, wanted: WantedCluster, instance: WantedInstance, endpoint: EndpointAddress
) -> dict[str, Any]:
    """Return the node's document; without a part for the agent while the node has to wait for its source."""
    collector = build_boot_document(snapshot, wanted, instance, endpoint)
    document = _build_agent_document(snapshot, wanted, instance, endpoint)
    return collector if document is None else collector | dump(document)


def _build_agent_document(
    snapshot: ClusterSnapshot, wanted: WantedCluster, instance: WantedInstance, endpoint: EndpointAddress
) -> Document | None:
    source = next(each for each in wanted if each.is_source)
    port = find_record(snapshot.resources, ResourceKind.PORT, source)
    volume = find_record(snapshot.resources, ResourceKind.VOLUME, instance)
    if port is None or not port.address or volume is None or volume.cloud_id is None:
        return None
    if not is_proved(snapshot.signals, instance) and not (
        instance.is_source or is_proved(snapshot.signals, source)
    ):
        return None
    cluster = build_cluster(wanted)
    handle_path = NodePath(wanted.name, instance.name, PathPurpose.SIGNAL, instance.generation)
    handle = CfnHandle(Secret(endpoint.build_url(snapshot, wanted, handle_path)))
    values = _build_values(snapshot, wanted, endpoint.ring, handle, port.address, cluster)
    document = build_document(cluster, cluster.node(instance.name), values)
    data_volume = DataVolume(
        volume.cloud_id,
        instance.volume.size_gib,
        is_new=not any(signal.instance == instance.name and signal.is_success for signal in snapshot.signals),
    )
    return replace(document, section=replace(document.section, volume=data_volume))


def is_proved(signals: Collection[SignalEntry], instance: WantedInstance) -> bool:
    """Return whether the instance has proved itself in its present generation."""
    return any(
        signal.instance == instance.name and signal.generation == instance.generation and signal.is_success
        for signal in signals
    )


def find_record(
    resources: Collection[ResourceRecord], kind: ResourceKind, instance: WantedInstance
) -> ResourceRecord | None:
    """Return the newest record of this kind for an instance: a volume and a port outlive a replaced server."""
    records = [each for each in resources if (each.key.kind, each.key.instance) == (kind, instance.name)]
    return max(records, key=lambda record: record.key.epoch, default=None)


def _build_values(
    snapshot: ClusterSnapshot,
    wanted: WantedCluster,
    ring: KeyRing,
    handle: CfnHandle,
    source_address: str,
    cluster: Cluster,
) -> NodeValues:
    """Return real values in place of Heat's functions. The one text that is not secret is the CA of the TLS."""
    authority = "" if cluster.tls is None or cluster.tls.ca is None else str(cluster.tls.ca)

    def get_secret(name: str) -> Secret:
        return ring.derive_password(wanted.key_id, snapshot.cluster.id, name)

    return NodeValues(handle, source_address, get_secret, get_secret, lambda _name: authority)
