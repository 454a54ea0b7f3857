"""Reads a request for a server. What is wrong in it is refused with the words of Nova's schemas. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from guestagent.embedded.http.errors import HTTPBadRequest
from guestagent.embedded.http.microversion import Microversion
from guestagent.embedded.openstack.cinder.volumes import BootVolume
from guestagent.embedded.openstack.nova.metadata_rules import check_metadata
from guestagent.embedded.openstack.nova.request_checks import (
    UUID_PATTERN,
    check_choice,
    check_keys,
    check_name,
    check_tags,
    check_text,
    check_uuid,
    find_object,
    refuse,
)

USER_DATA_LIMIT = 65_535
BOOLEANS: Sequence[object] = [
    *(True, "True", "TRUE", "true", "1", "ON", "On", "on", "YES", "Yes", "yes"),
    *(False, "False", "FALSE", "false", "0", "OFF", "Off", "off", "NO", "No", "no"),
]
"""What Nova's schemas take for true or false, in their order."""
NETWORKS_VERSION, TAGS_VERSION = (2, 37), (2, 52)
KEYS: Mapping[str, Microversion] = {
    **dict.fromkeys(
        (
            *(
                "name",
                "imageRef",
                "flavorRef",
                "adminPass",
                "metadata",
                "networks",
                "OS-DCF:diskConfig",
                "accessIPv4",
            ),
            *(
                "accessIPv6",
                "availability_zone",
                "block_device_mapping",
                "block_device_mapping_v2",
                "config_drive",
            ),
            *("min_count", "max_count", "return_reservation_id", "key_name", "security_groups", "user_data"),
        ),
        (2, 1),
    ),
    "description": (2, 19),
    "tags": TAGS_VERSION,
    "trusted_image_certificates": (2, 63),
    "host": (2, 74),
    "hypervisor_hostname": (2, 74),
    "hostname": (2, 90),
}
"""The keys of a server, and the microversion that each of them needs."""


@dataclass(frozen=True, slots=True)
class RequestedNetwork:
    """A port, or a network with or without an address in it."""

    port_id: str = ""
    network_id: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRequest:
    """What is asked for, by the names and ids in the request. `networks` is None for one that Nova chooses."""

    name: str
    flavor: str
    image: str
    user_data: bytes = field(default=b"", repr=False)
    key_name: str | None = None
    zone: str | None = None
    description: str | None = None
    has_config_drive: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    networks: tuple[RequestedNetwork, ...] | None = None
    groups: tuple[str, ...] = ()
    volumes: tuple[BootVolume, ...] = ()
    server_group: str | None = None


def parse_server_request(body: object, version: Microversion) -> ServerRequest:
    """Return what a body asks for. HTTPBadRequest, or TooManyItems for metadata."""
    values = find_object(body, "server")
    required = ["name", "flavorRef", *(["networks"] if version >= NETWORKS_VERSION else [])]
    check_keys("server", values, {key for key, since in KEYS.items() if since <= version}, required)
    check_name(values["name"])
    check_tags(values.get("tags", []))
    _check_kinds(values)
    assert isinstance(body, Mapping), "it has a server"
    group = _read_server_group(body)
    return ServerRequest(
        name=values["name"],
        flavor=str(values["flavorRef"]),
        image=_read_image(values),
        user_data=_read_user_data(values.get("user_data", "")),
        key_name=values.get("key_name"),
        zone=values.get("availability_zone"),
        description=values.get("description"),
        has_config_drive=str(values.get("config_drive")).lower() in {"true", "1", "on", "yes"},
        metadata=check_metadata(values.get("metadata", {})),
        tags=tuple(values.get("tags", ())),
        networks=_read_networks(values, version),
        groups=tuple(str(each["name"]) for each in values.get("security_groups") or ()),
        volumes=_read_volumes(values.get("block_device_mapping_v2") or []),
        server_group=group,
    )


def _check_kinds(values: Mapping[str, Any]) -> None:
    """Refuse what is of another kind than Nova's schemas have it: null is of none."""
    for key in ("key_name", "availability_zone"):
        if key in values:
            check_text(key, values[key], minimum=1)
    if values.get("description") is not None:
        check_text("description", values["description"])
    for key in ("block_device_mapping_v2", "security_groups"):
        if key in values and not isinstance(values[key], list):
            raise refuse(key, values[key], f"{values[key]!r} is not of type 'array'")
    if "config_drive" in values:
        drive = values["config_drive"]
        if not isinstance(drive, bool | str):
            raise refuse("config_drive", drive, f"{drive!r} is not of type 'boolean', 'string'")
        check_choice("config_drive", drive, BOOLEANS)


def _read_server_group(body: Mapping[str, Any]) -> str | None:
    """Return the id of the group in the hints to the scheduler."""
    for name in ("os:scheduler_hints", "OS-SCH-HNT:scheduler_hints"):
        hints = body.get(name, {})
        if not isinstance(hints, Mapping):
            raise refuse(name, hints, f"{hints!r} is not of type 'object'")
        if "group" in hints:
            check_text("group", hints["group"])
            check_uuid("group", hints["group"])
            return str(hints["group"])
    return None


def _read_image(values: Mapping[str, Any]) -> str:
    image = values.get("imageRef", "")
    if image and not UUID_PATTERN.fullmatch(str(image)):
        raise refuse("imageRef", image, f"{image!r} is not valid under any of the given schemas")
    if not image:
        raise HTTPBadRequest("Missing imageRef attribute")
    return str(image)


def _read_user_data(text: object) -> bytes:
    check_text("user_data", text, USER_DATA_LIMIT)
    try:
        return base64.b64decode(str(text).replace("\n", ""), validate=True)
    except binascii.Error as error:
        raise refuse("user_data", text, f"{text!r} is not a 'base64'") from error


def _read_networks(values: Mapping[str, Any], version: Microversion) -> tuple[RequestedNetwork, ...] | None:
    """Return the networks in the request; none for `none`, and None for `auto`."""
    networks = values.get("networks", [])
    if networks in ("auto", "none") and version >= NETWORKS_VERSION:
        return () if networks == "none" else None
    if not isinstance(networks, list):
        has_words = version >= NETWORKS_VERSION
        problem = "is not valid under any of the given schemas" if has_words else "is not of type 'array'"
        raise refuse("networks", networks, f"{networks!r} {problem}")
    requested = tuple(_read_network(each) for each in networks)
    ports = [each.port_id for each in requested if each.port_id]
    if twice := [port for port in ports if ports.count(port) > 1]:
        raise HTTPBadRequest(
            f"Port ID '{twice[0]}' was specified twice: you cannot attach a port multiple times."
        )
    return requested or None


def _read_network(network: Mapping[str, Any]) -> RequestedNetwork:
    for key in ("port", "uuid"):
        if network.get(key) is not None:
            check_uuid(key, network[key])
    if not network.get("port") and not network.get("uuid"):
        raise HTTPBadRequest("Bad network format: missing 'uuid'")
    return RequestedNetwork(
        str(network.get("port") or ""), str(network.get("uuid") or ""), str(network.get("fixed_ip") or "")
    )


def _read_volumes(rows: list[Mapping[str, Any]]) -> tuple[BootVolume, ...]:
    """Return the volumes beside the root disk, which has to come from the image."""
    if rows and not any(row.get("boot_index") in (0, "0") for row in rows):
        raise HTTPBadRequest(
            "Block Device Mapping is Invalid: Boot sequence for the instance and image/block device mapping "
            "combination is not valid."
        )
    return tuple(
        BootVolume(str(row["uuid"]), bool(row.get("delete_on_termination")))
        for row in rows
        if row.get("source_type") == "volume" and row.get("destination_type") == "volume"
    )
