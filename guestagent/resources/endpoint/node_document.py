"""What a node of NATIVES reads: its document, and when it may read it. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from guestagent.controller.cluster import Cluster
from guestagent.controller.donor_certificate import DonorCertificate, derive_certificate
from guestagent.controller.external_source import SOURCE_PASSWORD
from guestagent.controller.seed import DONOR_KEY
from guestagent.controller.template.node_metadata import build_document
from guestagent.controller.template.node_values import NodeValues
from guestagent.controller.template.seeding_metadata import DONOR_CERTIFICATE_RESOURCE
from guestagent.metadata import CfnHandle, DataVolume, Document, dump
from guestagent.resources.description import build_cluster
from guestagent.resources.endpoint.key_ring import KeyRing
from guestagent.resources.endpoint.signed_path import NodePath, PathPurpose, sign_path
from guestagent.resources.store.records import ClusterSnapshot, ResourceKind, ResourceRecord, SignalEntry
from guestagent.resources.volume_proof import is_volume_proved
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
    source_address = _find_source_address(snapshot, wanted)
    volume = find_record(snapshot.resources, ResourceKind.VOLUME, instance)
    if not source_address or volume is None or volume.cloud_id is None:
        return None
    source = wanted.source
    waits = source is not None and not instance.is_source and not is_proved(snapshot.signals, source)
    if waits and not is_proved(snapshot.signals, instance):
        return None
    cluster, donor = _certify_donor(snapshot, wanted, endpoint.ring)
    handle_path = NodePath(wanted.name, instance.name, PathPurpose.SIGNAL, instance.generation)
    handle = CfnHandle(Secret(endpoint.build_url(snapshot, wanted, handle_path)))
    values = _build_values(snapshot, wanted, endpoint.ring, handle, source_address, cluster, donor)
    document = build_document(cluster, cluster.node(instance.name), values)
    data_volume = DataVolume(
        volume.cloud_id,
        instance.volume.size_gib,
        is_new=not is_volume_proved(snapshot.signals, instance, volume),
    )
    return replace(document, section=replace(document.section, volume=data_volume))


def _find_source_address(snapshot: ClusterSnapshot, wanted: WantedCluster) -> str:
    """Return the address of the source that the replicas follow; "" until it has a port."""
    if wanted.followed is not None:
        return wanted.followed.address
    port = (
        None if wanted.source is None else find_record(snapshot.resources, ResourceKind.PORT, wanted.source)
    )
    return "" if port is None else port.address


def _certify_donor(
    snapshot: ClusterSnapshot, wanted: WantedCluster, ring: KeyRing
) -> tuple[Cluster, DonorCertificate | None]:
    """Return the cluster with the certificate of its donor's port. With a CA, the database server has its own."""
    cluster = build_cluster(wanted)
    has_ca = cluster.tls is not None and cluster.tls.ca is not None
    if not cluster.joining_replicas or has_ca:
        return cluster, None
    seed = ring.derive_bytes(wanted.key_id, snapshot.cluster.id, DONOR_KEY)
    donor = derive_certificate(cluster.own_source.name, seed)
    return replace(cluster, donor_certificate=donor.certificate), donor


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
    donor: DonorCertificate | None,
) -> NodeValues:
    """Return real values in place of Heat's functions. The texts that are not secret are a CA and a certificate."""
    authority = "" if cluster.tls is None or cluster.tls.ca is None else str(cluster.tls.ca)
    shared = _derive_shared_passwords(snapshot, wanted, ring, cluster)

    def get_secret(name: str) -> Secret:
        return shared.get(name) or ring.derive_password(wanted.key_id, snapshot.cluster.id, name)

    def get_donor_key(_name: str) -> Secret:
        return Secret("") if donor is None else donor.key

    def get_text(name: str) -> str:
        return donor.certificate if donor is not None and name == DONOR_CERTIFICATE_RESOURCE else authority

    return NodeValues(handle, source_address, get_secret, get_donor_key, get_text)


def _derive_shared_passwords(
    snapshot: ClusterSnapshot, wanted: WantedCluster, ring: KeyRing, cluster: Cluster
) -> dict[str, Secret]:
    """Return the passwords that clusters share, by their names: of the followers, and of the source that it follows."""
    derive, own_id = ring.derive_follower_password, snapshot.cluster.id
    keys = {each.follower: each.key_id for each in wanted.admissions}
    shared = {each.password: derive(keys[each.name], own_id, each.name) for each in cluster.followers}
    if wanted.followed is not None:
        followed = wanted.followed
        shared[SOURCE_PASSWORD] = derive(followed.key_id, followed.cluster_id, wanted.name)
    return shared
