"""Reads the values in requests to Cinder. What is wrong is refused with Cinder's words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from guestagent.embedded.openstack.cinder.errors import BodyTooLong, VolumeNotFound, VolumeRefused
from guestagent.embedded.openstack.cinder.volume_types import VOLUME_TYPES, VolumeType, find_volume_type

BODY_LIMIT = 114_688
"""The bytes of the longest body that oslo.middleware lets through."""
NAME_LIMIT, NUMBER_LIMIT = 255, 2_147_483_647
MALFORMED = (
    "The server could not comply with the request since it is either malformed or otherwise incorrect."
)
KEY_PATTERN = "^[a-zA-Z0-9-_:. /]{1,255}$"


def read_text(value: object, key: str) -> str | None:
    """Return a name or a description, without the spaces around it. It may be empty, and null."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise refuse_value(key, value, f"{value!r} is not of type 'string', 'null'")
    if len(value.strip()) > NAME_LIMIT:
        raise VolumeRefused(
            f"Invalid input received: {key} has {len(value.strip())} characters, more than {NAME_LIMIT}."
        )
    return value.strip()


def read_new_size(body: Mapping[str, Any]) -> int:
    """Return the size of a new volume in GiB."""
    if body.get("size") is None:
        raise VolumeRefused(MALFORMED)
    return read_size(body["size"], "size", "'integer', 'string', 'null'")


def read_size(value: object, key: str, types: str = "'integer', 'string'") -> int:
    """Return a size in GiB; a text of digits passes."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise refuse_value(key, value, f"{value!r} is not of type {types}")
    if isinstance(value, str) and not re.fullmatch(r"[0-9]+", value):
        raise refuse_value(key, value, f"{value!r} does not match '^[0-9]+$'")
    if int(value) < 1:
        raise refuse_value(key, value, f"{value} is less than the minimum of 1")
    if int(value) > NUMBER_LIMIT:
        raise refuse_value(key, value, f"{value} is greater than the maximum of {NUMBER_LIMIT}")
    return int(value)


def read_volume_type(value: object) -> VolumeType:
    """Return the type of that name or id, or the default."""
    if value is None:
        return VOLUME_TYPES[0]
    volume_type = find_volume_type(str(value))
    if volume_type is None:
        raise VolumeNotFound(f"Volume type with name {value} could not be found.")
    return volume_type


def read_metadata(value: object) -> dict[str, str]:
    """Return metadata: short texts by plain names."""
    if not isinstance(value, dict):
        raise refuse_value("metadata", value, f"{value!r} is not of type 'object'")
    for key, text in value.items():
        if not re.fullmatch(KEY_PATTERN, key):
            raise refuse_value(
                "metadata", value, f"{key!r} does not match any of the regexes: '{KEY_PATTERN}'"
            )
        if not isinstance(text, str):
            raise refuse_value(key, text, f"{text!r} is not of type 'string'")
        if len(text) > NAME_LIMIT:
            raise refuse_value(key, text, f"{text!r} is too long")
    return value


def check_keys(name: str, body: Mapping[str, Any], known: frozenset[str]) -> None:
    """Refuse keys that Cinder does not know."""
    unknown = sorted(key for key in body if key not in known)
    if unknown:
        verb = "was" if len(unknown) == 1 else "were"
        names = ", ".join(map(repr, unknown))
        raise refuse_value(name, body, f"Additional properties are not allowed ({names} {verb} unexpected)")


def refuse_value(key: str, value: object, reason: str) -> VolumeRefused:
    """Build the refusal of one value."""
    return VolumeRefused(f"Invalid input for field/attribute {key}. Value: {value}. {reason}")


async def read_body(request: Request) -> dict[str, Any]:
    """Return the JSON object of a request."""
    if len(await request.body()) > BODY_LIMIT:
        raise BodyTooLong("Request is too large.")
    try:
        return dict(await request.json())
    except (ValueError, TypeError) as error:
        raise VolumeRefused("Malformed request body") from error


async def read_value(request: Request, key: str) -> Any:
    """Return the value at that key of a request's body."""
    body = await read_body(request)
    if key not in body:
        raise VolumeRefused(f"'{key}' is a required property")
    return body[key]


async def read_object(request: Request, key: str) -> dict[str, Any]:
    """Return the object at that key of a request's body."""
    found = await read_value(request, key)
    if not isinstance(found, dict):
        raise refuse_value(key, found, f"{found!r} is not of type 'object'")
    return found
