"""What a round has to read by id because the lists leave it open. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from guestagent.resources.natives.cluster_view import UNCERTAIN_PHASES, ClusterView
from guestagent.resources.orders import MigrateInstance, ResizeInstance, ResizeVolume, RestartInstance
from guestagent.resources.store.records import ResourceKind, ResourcePhase, ResourceRecord

ACTION_KINDS = frozenset(
    {ResourceKind.RESIZE, ResourceKind.MIGRATION, ResourceKind.REBOOT, ResourceKind.GROWTH}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NeededLookups:
    """Ids to read: of servers, volumes and ports; of servers for their actions; of volumes for their messages.

    `flavors` are wanted ones, each a name or an id.
    """

    servers: frozenset[str]
    volumes: frozenset[str]
    ports: frozenset[str]
    actions: frozenset[str]
    messages: frozenset[str]
    flavors: frozenset[str]


def list_lookups(view: ClusterView) -> NeededLookups:
    """Return what has to be read: recorded ids that no list shows, servers that have our volumes, and actions."""
    observed = view.observed
    recorded = {
        kind: {
            record.cloud_id
            for record in view.records.values()
            if record.key.kind is kind and record.phase is ResourcePhase.CREATED and record.cloud_id
        }
        for kind in (ResourceKind.SERVER, ResourceKind.VOLUME, ResourceKind.PORT)
    }
    volumes = recorded[ResourceKind.VOLUME]
    holders = {each.server_id for each in observed.attachments if each.volume_id in volumes} - {""}
    servers = recorded[ResourceKind.SERVER] | holders
    return NeededLookups(
        servers=frozenset(servers - observed.servers.keys()),
        volumes=frozenset(volumes - observed.volumes.keys()),
        ports=frozenset(recorded[ResourceKind.PORT] - observed.ports.keys()),
        actions=frozenset(_list_acting_servers(view)),
        messages=frozenset(_list_unfinished_growths(view)).union(
            volume_id
            for volume_id in volumes & observed.volumes.keys()
            if observed.volumes[volume_id].status.startswith("error")
        ),
        flavors=frozenset(_list_unseen_flavors(view)),
    )


def list_missing(view: ClusterView) -> list[ResourceRecord]:
    """Return the uncertain records of which this view shows no trace, and those of groups that are not listed."""
    return [
        record
        for record in view.records.values()
        if (record.phase in UNCERTAIN_PHASES or _is_unlisted_group(view, record))
        and not view.find_marked(record.key)
    ]


def _is_unlisted_group(view: ClusterView, record: ResourceRecord) -> bool:
    is_created_group = (record.key.kind, record.phase) == (ResourceKind.GROUP, ResourcePhase.CREATED)
    return is_created_group and record.cloud_id not in view.observed.groups


def _list_unfinished_growths(view: ClusterView) -> Iterator[str]:
    """Yield the volumes that Cinder was asked to grow, and neither grows nor has grown."""
    for record in view.records.values():
        instance = view.wanted.find_instance(record.key.instance)
        if record.key.kind is not ResourceKind.GROWTH or instance is None:
            continue
        for volume_record in view.list_records(ResourceKind.VOLUME, instance.name):
            volume = view.observed.volumes.get(volume_record.cloud_id or "")
            if (
                volume is not None
                and volume.status != "extending"
                and volume.size_gib < instance.volume.size_gib
            ):
                yield volume.id


def _list_unseen_flavors(view: ClusterView) -> Iterator[str]:
    """Yield wanted flavors that the server of the instance does not show: Nova shows names, and these may be ids."""
    for instance in view.wanted:
        record = view.find_record(ResourceKind.SERVER, instance.name)
        server = None if record is None else view.observed.servers.get(record.cloud_id or "")
        if server is not None and server.flavor not in {"", instance.flavor}:
            yield instance.flavor


def _list_acting_servers(view: ClusterView) -> Iterator[str]:
    """Yield the servers on which an action runs, or is about to begin."""
    instances = {record.key.instance for record in view.records.values() if record.key.kind in ACTION_KINDS}
    if isinstance(view.order, ResizeInstance | MigrateInstance | RestartInstance | ResizeVolume):
        instances.add(view.order.instance)
    for instance in instances:
        for record in view.list_records(ResourceKind.SERVER, instance):
            if record.phase is ResourcePhase.CREATED and record.cloud_id:
                yield record.cloud_id
