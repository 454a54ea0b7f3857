"""Checks of values in requests to Nova, with the words of its schemas. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from starlette.requests import Request

from guestagent.embedded.http.errors import HTTPBadRequest

NAME_LIMIT, TAG_LIMIT, TAGS_LIMIT = 255, 60, 50
UUID_PATTERN = re.compile(r"[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")


async def read_json(request: Request) -> Any:
    """Return the JSON of a request."""
    try:
        return await request.json()
    except ValueError as error:
        raise HTTPBadRequest("Malformed request body") from error


async def read_object(request: Request, key: str) -> dict[str, Any]:
    """Return the object at this key of a request's JSON."""
    return find_object(await read_json(request), key)


def find_object(body: object, key: str) -> dict[str, Any]:
    """Return the object at this key."""
    if not isinstance(body, dict):
        raise HTTPBadRequest(f"{body!r} is not of type 'object'")
    if key not in body:
        raise HTTPBadRequest(f"'{key}' is a required property")
    if not isinstance(body[key], dict):
        raise refuse(key, body[key], f"{body[key]!r} is not of type 'object'")
    return dict(body[key])


def refuse(path: object, value: object, problem: str) -> HTTPBadRequest:
    """Return what Nova's schemas say of a value."""
    return HTTPBadRequest(f"Invalid input for field/attribute {path}. Value: {value}. {problem}")


def check_keys(
    path: str, values: Mapping[str, object], known: Collection[str], required: Iterable[str] = ()
) -> None:
    """Refuse an object that lacks a required key, or has an unknown one."""
    for key in required:
        if key not in values:
            raise refuse(path, values, f"'{key}' is a required property")
    unknown = [key for key in values if key not in known]
    if unknown:
        names = ", ".join(map(repr, unknown))
        verb = "was" if len(unknown) == 1 else "were"
        raise refuse(path, values, f"Additional properties are not allowed ({names} {verb} unexpected)")


def check_text(path: object, value: object, limit: int = NAME_LIMIT, minimum: int = 0) -> None:
    """Refuse what is no text of this length."""
    if not isinstance(value, str):
        raise refuse(path, value, f"{value!r} is not of type 'string'")
    if len(value) < minimum:
        raise refuse(path, value, f"{value!r} is too short")
    if len(value) > limit:
        raise refuse(path, value, f"{value!r} is too long")


def check_name(value: object) -> None:
    """Check the name of a server."""
    check_text("name", value, minimum=1)
    if str(value).strip() != value or not str(value).isprintable():
        raise HTTPBadRequest(
            "An invalid 'name' value was provided. The name must be: printable characters. Can not start or end with "
            "whitespace."
        )


def check_choice(path: str, value: object, choices: Sequence[object]) -> None:
    """Refuse what is none of these."""
    if value not in choices:
        raise refuse(path, value, f"{value!r} is not one of {choices}")


def check_uuid(path: str, value: object) -> None:
    """Refuse what is no id."""
    if not isinstance(value, str) or not UUID_PATTERN.fullmatch(value):
        raise refuse(path, value, f"{value!r} is not a 'uuid'")


def check_tags(tags: object) -> None:
    """Check the tags of a server."""
    if not isinstance(tags, list):
        raise refuse("tags", tags, f"{tags!r} is not of type 'array'")
    if len(tags) > TAGS_LIMIT:
        raise refuse("tags", tags, f"{tags!r} is too long")
    for number, tag in enumerate(tags):
        if problem := find_tag_problem(tag):
            raise refuse(number, tag, problem)


def find_tag_problem(tag: object) -> str:
    """Return why this is no tag, or ""."""
    if not isinstance(tag, str):
        return f"{tag!r} is not of type 'string'"
    if not tag:
        return f"{tag!r} is too short"
    if len(tag) > TAG_LIMIT:
        return f"{tag!r} is too long"
    return "" if re.fullmatch("[^,/]*", tag) else f"{tag!r} does not match '^[^,/]*$'"
