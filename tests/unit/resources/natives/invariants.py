"""What holds in the cloud of a world, whoever was killed and whatever was lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from guestagent.resources.natives.cluster_view import list_marks
from guestagent.resources.natives.fake_observation import build_observation
from guestagent.resources.natives.requests import CreateServer, DeleteVolume
from guestagent.resources.rule import Rule
from guestagent.resources.store.records import ResourceKind, ResourcePhase
from guestagent.resources.wanted import WantedCluster, WantedInstance
from tests.unit.resources.natives.worlds import World


def find_differences(world: World) -> list[str]:
    """Return how the cloud and the store differ from what is wanted, once everything is at rest."""
    wanted = world.wanted
    if wanted is None:
        return list(_list_remains(world))
    return [
        *(difference for instance in wanted for difference in _list_instance_differences(world, instance)),
        *_list_group_differences(world, wanted),
        *_list_strangers(world),
    ]


def find_violations(world: World, servers_per_volume: int = 1, deletable_volumes: bool = False) -> list[str]:
    """Return what must never happen on the way, whatever the end is."""
    takers = Counter(request.volume_id for request in world.cloud.taken if isinstance(request, CreateServer))
    deleted = [request.volume_id for request in world.cloud.taken if isinstance(request, DeleteVolume)]
    used = list_used_volumes(world) & set(deleted)
    return [
        *(f"{count} servers took {volume}" for volume, count in takers.items() if count > servers_per_volume),
        *(f"{volume} was deleted without an order" for volume in sorted(used) if not deletable_volumes),
    ]


def list_used_volumes(world: World) -> set[str]:
    """Return the volumes that a server ever took. Only they may be kept."""
    return {request.volume_id for request in world.cloud.taken if isinstance(request, CreateServer)}


def _list_remains(world: World) -> Iterator[str]:
    """Yield what is left of a cluster that is not there any more. Volumes may be kept, but free."""
    project = world.cloud.project
    for group in (
        project.servers,
        project.ports,
        project.groups,
        project.server_groups,
        project.attachments,
    ):
        yield from (f"{each} remains" for each in group)
    used = list_used_volumes(world)
    for volume in project.volumes.values():
        if volume.status != "available" or volume.id not in used:
            yield f"{volume.id} remains, and is {volume.status}"


def _list_instance_differences(world: World, instance: WantedInstance) -> Iterator[str]:
    project, snapshot = world.cloud.project, world.snapshot
    assert snapshot is not None
    ids = {
        record.key.kind: record.cloud_id or ""
        for record in sorted(snapshot.resources, key=lambda each: each.key.epoch)
        if record.key.instance == instance.name and record.phase is ResourcePhase.CREATED
    }
    server = project.servers.get(ids.get(ResourceKind.SERVER, ""))
    volume = project.volumes.get(ids.get(ResourceKind.VOLUME, ""))
    port = project.ports.get(ids.get(ResourceKind.PORT, ""))
    if server is None or volume is None or port is None:
        yield f"{instance.name} has not all of its resources: {ids}"
        return
    if (server.status, server.task_state, server.flavor) != ("ACTIVE", None, instance.flavor):
        yield f"{server.id} is {server.status}/{server.task_state} with {server.flavor}"
    if (server.volume_id, server.port_id, port.device_id) != (volume.id, port.id, server.id):
        yield f"{server.id} has other parts"
    if (volume.status, volume.size_gib) != ("in-use", instance.volume.size_gib):
        yield f"{volume.id} is {volume.status} with {volume.size_gib} GiB"
    holders = [each.server_id for each in project.list_attachments(volume.id)]
    if holders != [server.id]:
        yield f"{volume.id} is attached to {holders}"


def _list_group_differences(world: World, wanted: WantedCluster) -> Iterator[str]:
    project = world.cloud.project
    rules: dict[str, frozenset[Rule]] = {
        group.description.split("/")[4]: frozenset(group.rules.values()) for group in project.groups.values()
    }
    if rules != {name: wanted.list_rules(name) for name in wanted.groups}:
        yield f"the groups are {rules}"
    for port in project.ports.values():
        if port.groups != project.groups.keys():
            yield f"{port.id} has the groups {sorted(port.groups)}"


def _list_strangers(world: World) -> Iterator[str]:
    """Yield the marked resources that no record has. Volumes that were kept are free."""
    snapshot = world.snapshot
    assert snapshot is not None
    recorded = {record.cloud_id for record in snapshot.resources}
    for cloud_id, mark in list_marks(build_observation(world.cloud.project)):
        if cloud_id not in recorded and mark.key.kind is not ResourceKind.VOLUME:
            yield f"{cloud_id} is in no record"
    for volume in world.cloud.project.volumes.values():
        is_kept = volume.id in list_used_volumes(world) and volume.status == "available"
        if volume.id not in recorded and not is_kept:
            yield f"{volume.id} is in no record and {volume.status}"
    for record in snapshot.resources:
        if record.phase is not ResourcePhase.CREATED:
            yield f"{record.key} is {record.phase}"
