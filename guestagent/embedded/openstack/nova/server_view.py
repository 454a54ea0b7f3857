"""Servers as Nova shows them to a member, at each microversion. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha224
from ipaddress import ip_address

from guestagent.embedded.host.clock import format_timestamp
from guestagent.embedded.http.microversion import Microversion
from guestagent.embedded.openstack.cinder.volumes import StoredAttachment
from guestagent.embedded.openstack.keystone.demo_project import PROJECT_NAME
from guestagent.embedded.openstack.neutron.network import NETWORK_NAME, Port
from guestagent.embedded.openstack.nova.compute_server import ZONE_NAME, ComputeServer
from guestagent.embedded.openstack.nova.flavors import DISK_GIB, Flavor

COPIED_FLAVOR_VERSION = (2, 47)
PROGRESS_STATUSES = frozenset({"ACTIVE", "BUILD", "REBUILD", "RESIZE", "VERIFY_RESIZE", "MIGRATING"})
FAULT_STATUSES = frozenset({"ERROR", "DELETED"})
HOST_NAME_LIMIT = 63


@dataclass(frozen=True, slots=True)
class ServerSurroundings:
    """What a server has beside its own values. The names are those of security groups."""

    ports: Sequence[Port] = ()
    attachments: Sequence[StoredAttachment] = ()
    security_groups: Sequence[str] = ()
    server_groups: Sequence[str] = ()


def build_link(base_url: str, server_id: str) -> str:
    """Return the address of a server."""
    return f"{base_url}v2.1/servers/{server_id}"


def format_brief(server: ComputeServer, base_url: str) -> dict[str, object]:
    """Format a server of the short list."""
    links = [
        {"rel": "self", "href": build_link(base_url, server.id)},
        {"rel": "bookmark", "href": f"{base_url}servers/{server.id}"},
    ]
    return {"id": server.id, "name": server.name, "links": links}


def format_server(
    server: ComputeServer, around: ServerSurroundings, version: Microversion, base_url: str
) -> dict[str, object]:
    """Format a server with all that a member sees of it."""
    view: dict[str, object] = {
        **format_brief(server, base_url),
        "status": server.status,
        "tenant_id": PROJECT_NAME,
        "user_id": PROJECT_NAME,
        "metadata": server.metadata,
        "hostId": sha224(f"{PROJECT_NAME}{server.host}".encode()).hexdigest() if server.host else "",
        "image": {"id": server.image.id, "links": []},
        "flavor": _format_flavor(server.flavor, version),
        "created": format_timestamp(server.created),
        "updated": format_timestamp(server.terminated or server.launched or server.created),
        "addresses": {} if server.status == "BUILD" else _format_addresses(around.ports),
        "accessIPv4": "",
        "accessIPv6": "",
        "key_name": server.key_name,
        "config_drive": "True" if server.has_config_drive else "",
        "OS-EXT-STS:vm_state": server.vm_state,
        "OS-EXT-STS:task_state": server.task_state,
        "OS-EXT-STS:power_state": 0 if server.launched is None or server.terminated else 1,
        "OS-EXT-AZ:availability_zone": ZONE_NAME if server.host else "",
        "OS-DCF:diskConfig": "MANUAL",
        "OS-SRV-USG:launched_at": _format_usage(server.launched),
        "OS-SRV-USG:terminated_at": _format_usage(server.terminated),
        "os-extended-volumes:volumes_attached": [
            {"id": each.volume_id, "delete_on_termination": each.is_deleted_with_server}
            for each in around.attachments
        ],
    }
    if around.security_groups:
        view["security_groups"] = [{"name": name} for name in around.security_groups]
    if server.status in PROGRESS_STATUSES:
        view["progress"] = 0
    if server.fault and server.status in FAULT_STATUSES:
        view["fault"] = {"code": 500, "message": server.fault, "created": format_timestamp(server.created)}
    return view | _list_newer_fields(server, around, version)


def _list_newer_fields(
    server: ComputeServer, around: ServerSurroundings, version: Microversion
) -> dict[str, object]:
    fields: tuple[tuple[Microversion, str, object], ...] = (
        ((2, 9), "locked", server.is_locked),
        ((2, 19), "description", server.description),
        ((2, 26), "tags", list(server.tags)),
        ((2, 63), "trusted_image_certificates", None),
        ((2, 71), "server_groups", list(around.server_groups)),
        ((2, 73), "locked_reason", None),
        ((2, 90), "OS-EXT-SRV-ATTR:hostname", _build_host_name(server.name)),
    )
    return {name: value for since, name, value in fields if since <= version}


def _format_flavor(flavor: Flavor, version: Microversion) -> dict[str, object]:
    """Format the flavor: a copy, or an older version's reference."""
    if version < COPIED_FLAVOR_VERSION:
        return {"id": flavor.id, "links": []}
    return {
        "original_name": flavor.name,
        "vcpus": flavor.vcpus,
        "ram": flavor.memory_mb,
        "disk": DISK_GIB,
        "ephemeral": 0,
        "swap": 0,
        "extra_specs": {},
    }


def _format_addresses(ports: Sequence[Port]) -> dict[str, object]:
    addresses = [
        {
            "version": ip_address(port.address).version,
            "addr": port.address,
            "OS-EXT-IPS:type": "fixed",
            "OS-EXT-IPS-MAC:mac_addr": port.mac,
        }
        for port in ports
    ]
    return {NETWORK_NAME: addresses} if addresses else {}


def _format_usage(time: object) -> str | None:
    return None if time is None else f"{time:%Y-%m-%dT%H:%M:%S.%f}"


def _build_host_name(name: str) -> str:
    """Return the host name that Nova makes of a server's name."""
    text = re.sub(r"[^\w.-]+", "", re.sub(r"[ _.]", "-", name[:HOST_NAME_LIMIT]))
    return text.lower().strip(".-")
