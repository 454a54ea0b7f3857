"""Reads the values in requests to Cinder. What is wrong is refused with Cinder's words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from guestagent.embedded.openstack.cinder.volume_types import VOLUME_TYPES, VolumeType, find_volume_type
from guestagent.embedded.openstack.cinder.volumes import VolumeNotFound, VolumeRefused

MICROVERSION_PATTERN = re.compile(r"volume ([0-9]+)\.([0-9]+)")
NAME_LIMIT = 255


def read_microversion(request: Request) -> tuple[int, int]:
    """Return the microversion that the request asks for."""
    found = MICROVERSION_PATTERN.fullmatch(request.headers.get("OpenStack-API-Version", "volume 3.0"))
    return (3, 0) if found is None else (int(found[1]), int(found[2]))


def read_name(value: object) -> str:
    """Return a name, which may be empty."""
    name = "" if value is None else str(value)
    if len(name) > NAME_LIMIT:
        raise VolumeRefused(
            f"Invalid input received: name has {len(name)} characters, more than {NAME_LIMIT}."
        )
    return name


def read_size(value: object, key: str) -> int:
    """Return a size in GiB; a text of digits passes."""
    text = str(value)
    if isinstance(value, bool) or value is None or not re.fullmatch(r"-?[0-9]+", text):
        raise VolumeRefused(
            f"Invalid input for field/attribute {key}. Value: {value}. '{value}' does not match '^[0-9]+$'"
        )
    if int(text) < 1:
        raise VolumeRefused(
            f"Invalid input for field/attribute {key}. Value: {value}. {value} is less than the minimum of 1"
        )
    return int(text)


def read_volume_type(value: object) -> VolumeType:
    """Return the type of that name or id, or the default."""
    if value is None:
        return VOLUME_TYPES[0]
    volume_type = find_volume_type(str(value))
    if volume_type is None:
        raise VolumeNotFound(f"Volume type with name {value} could not be found.")
    return volume_type


def read_metadata(value: Mapping[str, Any]) -> dict[str, str]:
    """Return metadata: texts by keys."""
    for key, text in value.items():
        if not isinstance(text, str):
            raise VolumeRefused(
                f"Invalid input for field/attribute {key}. Value: {text}. {text} is not of type 'string'"
            )
        if len(text) > NAME_LIMIT or not 0 < len(key) <= NAME_LIMIT:
            raise VolumeRefused(f"Invalid input for field/attribute {key[:40]}. Value: {text[:40]}")
    return dict(value)


async def read_body(request: Request) -> Mapping[str, Any]:
    """Return the JSON object of a request."""
    try:
        return dict(await request.json())
    except (ValueError, TypeError) as error:
        raise VolumeRefused("Malformed request body") from error


async def read_object(request: Request, key: str) -> dict[str, Any]:
    """Return the object at that key of a request's body."""
    try:
        return dict((await request.json())[key])
    except (ValueError, KeyError, TypeError) as error:
        raise VolumeRefused("Malformed request body") from error
