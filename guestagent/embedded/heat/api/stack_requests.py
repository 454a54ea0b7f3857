"""What clients send to make or change a stack, read with Heat's words for what is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping

import yaml
from starlette.datastructures import QueryParams

from guestagent.embedded.heat.engine import StackRequest
from guestagent.embedded.heat.errors import FlagUnreadable
from guestagent.embedded.heat.template.errors import StackValidationFailed
from guestagent.embedded.heat.template.parser import Template, load_source, parse_template
from guestagent.embedded.http.errors import HTTPBadRequest, NotSupported

FLAG_WORDS: Mapping[str, bool] = {"true": True, "false": False}
STACK_NAME_PATTERN = re.compile(r"[a-zA-Z][a-zA-Z0-9_.-]{0,254}")


def check_stack_name(sent: object) -> str:
    """A stack's name, if it can be one."""
    if not sent:
        raise HTTPBadRequest("No stack name specified")
    if isinstance(sent, str) and STACK_NAME_PATTERN.fullmatch(sent):
        return sent
    raise StackValidationFailed(
        f"Invalid stack name {sent} must contain only alphanumeric or "
        '"_-." characters, must start with alpha and must be 255 characters or less.'
    )


def parse_patch(
    body: Mapping[str, object], existing: Template, known: Mapping[str, object], tagged: tuple[str, ...]
) -> StackRequest:
    """What a PATCH asks for: what it leaves out stands. Of parameters only those that the template has are kept."""
    sent = body.get("clear_parameters")
    cleared = sent if isinstance(sent, list) else ()
    asked = parse_request(
        body, existing, {name: value for name, value in known.items() if name not in cleared}, tagged
    )
    had = {name: value for name, value in asked.input_parameters.items() if name in asked.template.parameters}
    return asked.replace_parameters(had)


def parse_request(
    body: Mapping[str, object],
    existing: Template,
    known: Mapping[str, object],
    tagged: tuple[str, ...] = (),
) -> StackRequest:
    """What a body asks for; where it leaves something out, what the stack has stands."""
    template = existing
    if body.get("template") is not None:
        template = parse_template(load_source(body["template"]))
    elif not existing.source:
        raise HTTPBadRequest("No template specified")
    rollback, minutes = body.get("disable_rollback"), body.get("timeout_mins")
    tags = body.get("tags")
    return StackRequest(
        template=template,
        input_parameters={**known, **_parameters(body)},
        timeout_mins=None if minutes is None else _natural("timeout_mins", minutes),
        disable_rollback=None if rollback is None else _rollback(rollback),
        tags=tuple(tags.split(",")) if isinstance(tags, str) and tags else tagged,
    )


def read_flag(asked: QueryParams, name: str, default: bool = False) -> bool:
    """A query parameter that is true or false."""
    if name not in asked:
        return default
    text = asked[name].lower()
    if text not in FLAG_WORDS:
        said = f'Unrecognized value "{asked[name]}" for "{name}", acceptable values are: true, false'
        raise HTTPBadRequest(said)
    return FLAG_WORDS[text]


def read_number(asked: QueryParams, name: str) -> int:
    """A query parameter that is a number; 0 where it is missing."""
    text = asked.get(name, "0")
    return _natural(name, text)


def _rollback(value: object) -> bool:
    if str(value).lower() not in FLAG_WORDS:
        raise FlagUnreadable
    return FLAG_WORDS[str(value).lower()]


def _natural(name: str, value: object) -> int:
    try:
        number = int(str(value))
    except ValueError as error:
        raise HTTPBadRequest(f"Only integer is acceptable by '{name}'.") from error
    if number < 0:
        raise HTTPBadRequest(
            f"Value '{value}' is invalid for '{name}' which only accepts non-negative integer."
        )
    return number


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
