"""What clients send to make or change a stack, read with Heat's words for what is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping

import yaml
from starlette.datastructures import QueryParams

from guestagent.embedded.heat.engine import Wish
from guestagent.embedded.refusals import HTTPBadRequest, NotSupported, StackValidationFailed
from guestagent.embedded.template.document import Template, load, parse

NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_.-]{0,254}")


def stack_name(sent: object) -> str:
    """A stack's name, if it can be one."""
    if isinstance(sent, str) and NAME.fullmatch(sent):
        return sent
    raise StackValidationFailed(
        f"Invalid stack name {sent} must contain only alphanumeric or "
        '"_-." characters, must start with alpha and must be 255 characters or less.'
    )


def wish(body: Mapping[str, object], existing: Template, known: Mapping[str, object]) -> Wish:
    """What a body asks for; where it leaves something out, what the stack has (a PATCH) stands."""
    template = existing
    if body.get("template") is not None:
        template = parse(load(body["template"]))
    elif not existing.source:
        raise HTTPBadRequest("No template specified")
    rollback = body.get("disable_rollback")
    tags = body.get("tags")
    return Wish(
        template=template,
        given={**known, **_parameters(body)},
        timeout_mins=_minutes(body.get("timeout_mins")),
        disable_rollback=None if rollback is None else _boolean("disable_rollback", rollback),
        tags=tuple(tags.split(",")) if isinstance(tags, str) and tags else (),
    )


def flag(asked: QueryParams, name: str, default: bool = False) -> bool:
    """A query parameter that is true or false."""
    return _boolean(name, asked[name]) if name in asked else default


def number(asked: QueryParams, name: str) -> int:
    """A query parameter that is a number; 0 where it is missing."""
    text = asked.get(name, "0")
    if not text.isdigit():
        raise HTTPBadRequest(f"Only integer is allowed for {name}: '{text}'")
    return int(text)


def _boolean(name: str, value: object) -> bool:
    if str(value).lower() not in ("true", "false"):
        raise HTTPBadRequest(f'Unrecognized value "{value}" for "{name}", acceptable values are: true, false')
    return str(value).lower() == "true"


def _minutes(value: object) -> int | None:
    if value is None:
        return None
    if not str(value).isdigit() or int(str(value)) == 0:
        raise HTTPBadRequest(f"Invalid timeout value {value}")
    return int(str(value))


def _parameters(body: Mapping[str, object]) -> dict[str, object]:
    environment = body.get("environment") or {}
    if isinstance(environment, str):
        try:
            environment = yaml.safe_load(environment) or {}
        except yaml.YAMLError as error:
            raise HTTPBadRequest(f"The environment is not a valid YAML mapping: {error}") from error
    if not isinstance(environment, dict):
        raise HTTPBadRequest("The environment is not a valid YAML mapping data type.")
    if environment.get("resource_registry"):
        raise NotSupported("A resource registry, by this imitation of Heat, is not supported.")
    given = environment.get("parameters") or {}
    direct = body.get("parameters") or {}
    if not isinstance(given, dict) or not isinstance(direct, dict):
        raise HTTPBadRequest("Parameters must be a map.")
    return {**given, **direct}
