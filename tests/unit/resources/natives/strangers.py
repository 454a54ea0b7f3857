"""What people do by hand to the resources of a cluster, with the cloud's own tools. What Nova refuses them is left."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from ipaddress import ip_network
from typing import TypeVar

from guestagent.errors import CloudRequestRefused
from guestagent.resources.natives.requests import ConfirmResize, DeletePort, DeleteServer, RebootServer
from guestagent.resources.rule import build_rule
from tests.unit.resources.natives.worlds import World

Thing = TypeVar("Thing")
FOREIGN_RULE = build_rule(ip_network("203.0.113.7/32"), port_min=22)


def delete_server(world: World, number: int) -> None:
    for server in _choose(world.cloud.project.servers, number):
        world.cloud._compute.delete(DeleteServer(server_id=server.id))


def restart_server(world: World, number: int) -> None:
    for server in _choose(world.cloud.project.servers, number):
        world.cloud._compute.reboot(RebootServer(server_id=server.id, hard=True))


def confirm_resize(world: World, number: int) -> None:
    for server in _choose(world.cloud.project.servers, number):
        world.cloud._compute.confirm(ConfirmResize(server_id=server.id))


def detach_volume(world: World, number: int) -> None:
    for attachment in _choose(world.cloud.project.attachments, number):
        if attachment.status == "attached":
            world.cloud._volumes.release(attachment)


def delete_port(world: World, number: int) -> None:
    for port in _choose(world.cloud.project.ports, number):
        port.device_id = ""
        world.cloud._handlers[DeletePort](DeletePort(port_id=port.id))


def remove_marks(world: World, number: int) -> None:
    """Remove the marks of a server, a volume and a port. Only the store leads to them then."""
    recorded = _list_recorded_ids(world)
    project = world.cloud.project
    for server in _choose(project.servers, number):
        if server.id in recorded:
            server.metadata.clear()
    for volume in _choose(project.volumes, number):
        if volume.id in recorded:
            volume.metadata.clear()
    for port in _choose(project.ports, number):
        if port.id in recorded:
            port.description = ""


def rename(world: World, number: int) -> None:
    """Give a server, a volume, a port and a group another name."""
    project = world.cloud.project
    for server in _choose(project.servers, number):
        server.name = "renamed"
    for volume in _choose(project.volumes, number):
        volume.name = "renamed"
    for port in _choose(project.ports, number):
        port.name = "renamed"
    for group in _choose(project.groups, number):
        group.name = "renamed"


def remove_rule(world: World, number: int) -> None:
    for group in _choose(world.cloud.project.groups, number):
        for rule_id in sorted(group.rules)[:1]:
            del group.rules[rule_id]


def add_rule(world: World, number: int) -> None:
    for group in _choose(world.cloud.project.groups, number):
        group.rules[f"foreign-{number}"] = FOREIGN_RULE


DEEDS: Mapping[str, Callable[[World, int], None]] = {
    deed.__name__: deed
    for deed in (
        *(add_rule, confirm_resize, delete_port, delete_server, detach_volume),
        *(remove_marks, remove_rule, rename, restart_server),
    )
}


def disturb(world: World, deed: str, number: int) -> None:
    """Let somebody do something to one resource of the project. `number` chooses it."""
    with suppress(CloudRequestRefused):
        DEEDS[deed](world, number)


def _choose(things: Mapping[str, Thing], number: int) -> list[Thing]:
    """Return one of the things, or none if there is none."""
    keys = sorted(things)
    return [things[keys[number % len(keys)]]] if keys else []


def _list_recorded_ids(world: World) -> set[str | None]:
    snapshot = world.snapshot
    return set() if snapshot is None else {record.cloud_id for record in snapshot.resources}
