"""The file with a guest's definition, for its reboots. Its user data is on the disk, and not needed again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from guestagent import atomic_file
from guestagent.embedded.openstack.nova.hypervisor import Guest
from guestagent.errors import CloudError
from guestagent.strict_json import UnreadableContent, get_number, get_text, parse_object
from guestagent.unreadable_file import parse_file

FILE_NAME = "guest.json"


def write_guest_file(folder: Path, guest: Guest) -> None:
    """Write the definition to the guest's folder."""
    definition = {**asdict(guest), "instance_metadata": dict(guest.instance_metadata)}
    definition["public_keys"] = dict(guest.public_keys)
    del definition["user_data"]
    atomic_file.write_file(folder / FILE_NAME, json.dumps(definition).encode())


def read_guest_file(folder: Path) -> Guest | None:
    """Read the definition from the guest's folder; None if there is none, CloudError if it cannot be read."""
    path = folder / FILE_NAME
    try:
        return parse_file(path, _parse_guest)
    except UnreadableContent as error:
        raise CloudError(
            f"{path} cannot be read ({error}): delete the guest, and boot another one"
        ) from error


def _parse_guest(content: bytes) -> Guest:
    values = parse_object(content)
    return Guest(
        id=get_text(values, "id"),
        name=get_text(values, "name"),
        address=get_text(values, "address"),
        prefix=int(get_number(values, "prefix")),
        gateway=get_text(values, "gateway"),
        flavor=get_text(values, "flavor"),
        vcpus=int(get_number(values, "vcpus")),
        memory_mb=int(get_number(values, "memory_mb")),
        image=get_text(values, "image"),
        user_data=b"",
        instance_metadata=_parse_texts(values, "instance_metadata"),
        public_keys=_parse_texts(values, "public_keys"),
        volumes=_parse_volumes(values),
    )


def _parse_volumes(values: Mapping[str, object]) -> tuple[str, ...]:
    value = values.get("volumes", [])
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise UnreadableContent("volumes is not a list of texts")
    return tuple(value)


def _parse_texts(values: Mapping[str, object], name: str) -> dict[str, str]:
    value = values.get(name, {})
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise UnreadableContent(f"{name} is not a map of texts")
    return value
