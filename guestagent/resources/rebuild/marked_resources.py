"""The resources of a project that have the marks of a store, by cluster. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from guestagent.resources.natives.cloud_api import CloudGroup, CloudObservation
from guestagent.resources.natives.cluster_view import list_marks
from guestagent.resources.natives.instance_facts import parse_facts
from guestagent.resources.natives.marks import Mark
from guestagent.resources.rebuild.marked_instance import MarkedInstance
from guestagent.resources.store.records import ResourceKey, ResourceKind, ResourcePhase, ResourceRecord
from guestagent.resources.wanted import DATABASE_GROUP, REPLICA_PREFIX

Marks = Mapping[str, Mark]
"""The marks of one cluster, by the ids of their resources."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedResources:
    """What the marks of one cluster show: the source first. `names` are of all instances that have left something."""

    cluster_id: str
    name: str
    instances: tuple[MarkedInstance, ...] = ()
    groups: Mapping[str, CloudGroup] = field(default_factory=dict)
    server_group: str | None = None
    names: frozenset[str] = frozenset()
    doubles: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def find_problems(self) -> Iterator[str]:
        """Yield what contradicts itself, and what is missing."""
        yield from self.doubles
        sources = [each.name for each in self.instances if not each.name.startswith(REPLICA_PREFIX)]
        if len(sources) != 1:
            yield f"a cluster has one source, and this one has {', '.join(sources) or 'none'}"
        if DATABASE_GROUP not in self.groups:
            yield f"the security group {DATABASE_GROUP} is missing"
        for instance in self.instances:
            yield from instance.find_problems()

    def build_records(self) -> tuple[ResourceRecord, ...]:
        """Build the records of what is there. All of it counts as used: only an order deletes it."""
        records = [
            self._build_record(ResourceKind.GROUP, group.id, name=name) for name, group in self.groups.items()
        ]
        if self.server_group is not None:
            records.append(self._build_record(ResourceKind.SERVER_GROUP, self.server_group))
        for each in self.instances:
            records.append(
                self._build_record(ResourceKind.SERVER, each.server.id, each.name, epoch=each.epoch)
            )
            if each.volume is not None:
                records.append(
                    self._build_record(
                        ResourceKind.VOLUME, each.volume.id, each.name, epoch=each.volume_epoch
                    )
                )
            if each.port is not None:
                address = each.port.addresses[0] if each.port.addresses else ""
                records.append(
                    self._build_record(
                        ResourceKind.PORT, each.port.id, each.name, epoch=each.port_epoch, address=address
                    )
                )
        return tuple(records)

    def _build_record(
        self,
        kind: ResourceKind,
        cloud_id: str,
        instance: str = "",
        name: str = "",
        epoch: int = 1,
        address: str = "",
    ) -> ResourceRecord:
        return ResourceRecord(
            key=ResourceKey(self.name, kind, instance, name, epoch),
            phase=ResourcePhase.CREATED,
            cloud_id=cloud_id,
            was_used=True,
            address=address,
        )


def list_store_ids(observed: CloudObservation) -> list[str]:
    """Return the store's id in each mark of the project."""
    return [mark.store_id for _, mark in list_marks(observed)]


def group_marked_resources(
    observed: CloudObservation, store_id: str
) -> tuple[list[MarkedResources], list[str]]:
    """Return the clusters with servers, by name, and notes on what is left of others."""
    marks = defaultdict[str, dict[str, Mark]](dict)
    for cloud_id, mark in list_marks(observed):
        if mark.store_id == store_id:
            marks[mark.cluster_id][cloud_id] = mark
    found, notes = [], []
    for cluster_id, own in marks.items():
        name = next(iter(own.values())).key.cluster
        if any(mark.key.kind is ResourceKind.SERVER for mark in own.values()):
            found.append(_read_cluster(observed, cluster_id, name, own))
        else:
            kinds = ", ".join(sorted({str(mark.key.kind) for mark in own.values()}))
            notes.append(f"{name} ({cluster_id}) has no server; an audit shows what remains: {kinds}")
    return sorted(found, key=lambda each: (each.name, each.cluster_id)), sorted(notes)


def _read_cluster(observed: CloudObservation, cluster_id: str, name: str, marks: Marks) -> MarkedResources:
    by_kind = defaultdict[ResourceKind, list[tuple[str, Mark]]](list)
    for cloud_id, mark in marks.items():
        by_kind[mark.key.kind].append((cloud_id, mark))
    servers = by_kind[ResourceKind.SERVER]
    instances = [_read_instance(observed, cloud_id, mark, marks) for cloud_id, mark in servers]
    # The source first: by its name alone it is not a replica.
    instances.sort(key=lambda each: (each.name.startswith(REPLICA_PREFIX), each.name))
    doubles = list(_list_doubles(marks))
    names = frozenset(mark.key.instance for mark in marks.values()) - {""}
    gone = sorted(names - {each.name for each in instances})
    return MarkedResources(
        cluster_id=cluster_id,
        name=name,
        instances=tuple(instances),
        groups={mark.key.name: observed.groups[cloud_id] for cloud_id, mark in by_kind[ResourceKind.GROUP]},
        server_group=next((cloud_id for cloud_id, _ in by_kind[ResourceKind.SERVER_GROUP]), None),
        names=names,
        doubles=tuple(doubles),
        notes=tuple(
            f"{each} has no server and is left out: an audit shows what remains of it" for each in gone
        ),
    )


def _read_instance(observed: CloudObservation, cloud_id: str, mark: Mark, marks: Marks) -> MarkedInstance:
    """Return an instance with the volume that is attached to its server, and the port that its server has."""
    name, server = mark.key.instance, observed.servers[cloud_id]
    attached = [each.volume_id for each in observed.attachments if each.server_id == cloud_id]
    volumes = [each for each in attached if _is_of(marks.get(each), ResourceKind.VOLUME, name)]
    ports = [
        each.id
        for each in observed.ports.values()
        if each.device_id == cloud_id and _is_of(marks.get(each.id), ResourceKind.PORT, name)
    ]
    volume_id, port_id = next(iter(volumes), ""), next(iter(ports), "")
    return MarkedInstance(
        name=name,
        server=server,
        epoch=mark.key.epoch,
        facts=parse_facts(server.metadata),
        volume=observed.volumes.get(volume_id),
        volume_epoch=marks[volume_id].key.epoch if volume_id else 1,
        port=observed.ports.get(port_id),
        port_epoch=marks[port_id].key.epoch if port_id else 1,
    )


def _is_of(mark: Mark | None, kind: ResourceKind, instance: str) -> bool:
    return mark is not None and (mark.key.kind, mark.key.instance) == (kind, instance)


def _list_doubles(marks: Marks) -> Iterator[str]:
    """Yield servers of one instance, and groups of one name: nobody can tell which of them is the right one."""
    owners = defaultdict[tuple[ResourceKind, str], list[str]](list)
    for cloud_id, mark in marks.items():
        if mark.key.kind in {ResourceKind.SERVER, ResourceKind.GROUP, ResourceKind.SERVER_GROUP}:
            owners[mark.key.kind, mark.key.instance or mark.key.name].append(cloud_id)
    for (kind, owner), ids in owners.items():
        if len(ids) > 1:
            yield f"{owner or 'the cluster'} has several resources of kind {kind}: {', '.join(sorted(ids))}"
