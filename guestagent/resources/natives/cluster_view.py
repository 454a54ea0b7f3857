"""Everything from which one round is decided: what is wanted, recorded and observed. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from guestagent.resources.natives.absence import SETTLE_S, Absence
from guestagent.resources.natives.cloud_api import (
    CloudGroup,
    CloudObservation,
    CloudPort,
    CloudServer,
    CloudVolume,
    ServerAction,
    VolumeAttachment,
)
from guestagent.resources.natives.marks import Mark, parse_description, parse_metadata
from guestagent.resources.natives.volume_messages import CloudMessage
from guestagent.resources.operation import OperationState
from guestagent.resources.orders import Order
from guestagent.resources.store.records import (
    ClusterSnapshot,
    QueuedOperation,
    ResourceKey,
    ResourceKind,
    ResourcePhase,
    ResourceRecord,
    SignalEntry,
)
from guestagent.resources.wanted import WantedCluster, WantedInstance

STALE_READ_S = 10.0
"""A database node of the cloud may answer as of so long ago: a 404 proves nothing for so long after a creation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudLookups:
    """What was read by id because the lists left it open. None: 404. `flavors` are the names of wanted flavors."""

    servers: Mapping[str, CloudServer | None] = field(default_factory=dict)
    volumes: Mapping[str, CloudVolume | None] = field(default_factory=dict)
    ports: Mapping[str, CloudPort | None] = field(default_factory=dict)
    actions: Mapping[str, tuple[ServerAction, ...]] = field(default_factory=dict)
    messages: Mapping[str, tuple[CloudMessage, ...]] = field(default_factory=dict)
    flavors: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterView:
    """One cluster in one round.

    `marked` are the ids of its marked resources by record key, the oldest first. `sightings` tell since when this
    worker has seen the resources of the records, by their ids.
    """

    store_id: str
    cluster_id: str
    wanted: WantedCluster
    records: Mapping[ResourceKey, ResourceRecord]
    observed: CloudObservation
    marked: Mapping[ResourceKey, tuple[str, ...]]
    lookups: CloudLookups = CloudLookups()
    absences: Mapping[ResourceKey, Absence] = field(default_factory=dict)
    sightings: Mapping[str, float] = field(default_factory=dict)
    signals: tuple[SignalEntry, ...] = ()
    contacts: frozenset[tuple[str, int]] = frozenset()
    key_contacts: frozenset[tuple[str, str]] = frozenset()
    running: QueuedOperation | None = None
    now: float = 0.0
    settle_s: float = SETTLE_S

    def build_mark(self, key: ResourceKey) -> Mark:
        return Mark(self.store_id, self.cluster_id, key)

    @property
    def operation_id(self) -> str:
        return "" if self.running is None else self.running.operation.id

    @property
    def order(self) -> Order | None:
        return None if self.running is None else self.running.order

    @property
    def is_cancelled(self) -> bool:
        return self.running is not None and self.running.is_cancelled

    def list_records(self, kind: ResourceKind, instance: str) -> list[ResourceRecord]:
        """Return the records of this kind, the newest epoch first."""
        records = (
            each for each in self.records.values() if (each.key.kind, each.key.instance) == (kind, instance)
        )
        return sorted(records, key=lambda record: (-record.key.epoch, record.key))

    def find_record(self, kind: ResourceKind, instance: str) -> ResourceRecord | None:
        """Return the record of the newest epoch, whatever its phase."""
        return next(iter(self.list_records(kind, instance)), None)

    def get_server(self, server_id: str) -> CloudServer | None:
        return self.observed.servers.get(server_id) or self.lookups.servers.get(server_id)

    def get_volume(self, volume_id: str) -> CloudVolume | None:
        return self.observed.volumes.get(volume_id) or self.lookups.volumes.get(volume_id)

    def get_port(self, port_id: str) -> CloudPort | None:
        return self.observed.ports.get(port_id) or self.lookups.ports.get(port_id)

    def get_flavor_name(self, instance: WantedInstance) -> str:
        """Return the name of the instance's flavor, which may have been ordered by its id."""
        return self.lookups.flavors.get(instance.flavor) or instance.flavor

    def is_gone(self, record: ResourceRecord) -> bool:
        """Return whether the resource's id is a 404, and no database node can be behind its creation."""
        cloud_id, lookups = record.cloud_id or "", self.lookups
        found: Mapping[str, object] = {
            ResourceKind.SERVER: lookups.servers,
            ResourceKind.VOLUME: lookups.volumes,
            ResourceKind.PORT: lookups.ports,
        }[record.key.kind]
        is_missing = cloud_id in found and found[cloud_id] is None
        existed_at = min(record.intended_at, self.sightings.get(cloud_id, record.intended_at))
        return is_missing and self.now >= existed_at + min(STALE_READ_S, self.settle_s)

    def list_attachments(self, volume_id: str) -> tuple[VolumeAttachment, ...]:
        return tuple(each for each in self.observed.attachments if each.volume_id == volume_id)

    def find_marked(self, key: ResourceKey) -> str | None:
        """Return the resource with this mark; of two, the one in use or else the older."""
        ids = self.marked.get(key, ())
        return next((each for each in ids if self._is_in_use(each)), next(iter(ids), None))

    def _is_in_use(self, cloud_id: str) -> bool:
        if any(cloud_id in {each.volume_id, each.server_id} for each in self.observed.attachments):
            return True
        port = self.observed.ports.get(cloud_id)
        is_group = any(cloud_id in each.groups for each in self.observed.ports.values())
        server_group = self.observed.server_groups.get(cloud_id)
        is_group |= server_group is not None and bool(server_group.members)
        return is_group or (port is not None and bool(port.device_id))

    def find_signal(self, instance: WantedInstance) -> SignalEntry | None:
        """Return the instance's signal in its present generation."""
        return next(
            (
                each
                for each in self.signals
                if (each.instance, each.generation) == (instance.name, instance.generation)
            ),
            None,
        )

    def is_proved(self, instance: WantedInstance) -> bool:
        signal = self.find_signal(instance)
        return signal is not None and signal.is_success


def list_marks(observed: CloudObservation) -> Iterator[tuple[str, Mark]]:
    """Yield every marked resource with its mark, in the order of creation where the cloud tells it."""
    servers = sorted(observed.servers.values(), key=lambda server: (server.created_at, server.id))
    with_metadata: Iterable[CloudServer | CloudVolume] = (*servers, *observed.volumes.values())
    for each in with_metadata:
        if mark := parse_metadata(each.metadata):
            yield each.id, mark
    with_description: Iterable[CloudPort | CloudGroup] = (*observed.ports.values(), *observed.groups.values())
    for described in with_description:
        if mark := parse_description(described.description):
            yield described.id, mark
    for server_group in observed.server_groups.values():
        if mark := parse_description(server_group.name):
            yield server_group.id, mark


def build_view(
    store_id: str,
    wanted: WantedCluster,
    snapshot: ClusterSnapshot,
    observed: CloudObservation,
    settle_s: float = SETTLE_S,
) -> ClusterView:
    """Build the view of a cluster before anything was looked up."""
    marked: dict[ResourceKey, tuple[str, ...]] = defaultdict(tuple)
    for cloud_id, mark in list_marks(observed):
        if (mark.store_id, mark.cluster_id) == (store_id, snapshot.cluster.id):
            marked[mark.key] += (cloud_id,)
    running = next((each for each in snapshot.queue if each.operation.state is OperationState.RUNNING), None)
    return ClusterView(
        store_id=store_id,
        cluster_id=snapshot.cluster.id,
        wanted=wanted,
        records={record.key: record for record in snapshot.resources},
        observed=observed,
        marked=dict(marked),
        signals=snapshot.signals,
        contacts=snapshot.contacts,
        key_contacts=snapshot.key_contacts,
        running=running,
        now=snapshot.now,
        settle_s=settle_s,
    )


UNCERTAIN_PHASES = frozenset({ResourcePhase.INTENDED, ResourcePhase.REFUSED, ResourcePhase.REFUSED_OUTRIGHT})
"""In these a record has no id, and what bears its mark is looked for: an earlier request's answer may be lost."""
