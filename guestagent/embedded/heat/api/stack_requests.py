"""Requests to create or change a stack, parsed with Heat's messages for errors."""

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
from guestagent.yaml_aliases import ALIAS_LIMIT_CHARACTERS, AliasLimitingLoader, TooManyAliases

FLAG_WORDS: Mapping[str, bool] = {"true": True, "false": False}
STACK_NAME_PATTERN = re.compile(r"[a-zA-Z][a-zA-Z0-9_.-]{0,254}")


def check_stack_name(value: object) -> str:
    """Return a valid stack name."""
    if not value:
        raise HTTPBadRequest("No stack name specified")
    if isinstance(value, str) and STACK_NAME_PATTERN.fullmatch(value):
        return value
    raise StackValidationFailed(
        f"Invalid stack name {value} must contain only alphanumeric or "
        '"_-." characters, must start with alpha and must be 255 characters or less.'
    )


def parse_patch(
    body: Mapping[str, object],
    existing: Template,
    current_parameters: Mapping[str, object],
    current_tags: tuple[str, ...],
) -> StackRequest:
    """Parse a PATCH: omitted parts stay as they are. Parameters that the template does not declare are dropped."""
    clear_parameters = body.get("clear_parameters")
    cleared_names = clear_parameters if isinstance(clear_parameters, list) else ()
    stack_request = parse_request(
        body,
        existing,
        {name: value for name, value in current_parameters.items() if name not in cleared_names},
        current_tags,
    )
    declared_parameters = {
        name: value
        for name, value in stack_request.input_parameters.items()
        if name in stack_request.template.parameters
    }
    return stack_request.replace_parameters(declared_parameters)


def parse_request(
    body: Mapping[str, object],
    existing: Template,
    current_parameters: Mapping[str, object],
    current_tags: tuple[str, ...] = (),
) -> StackRequest:
    """Parse a body. The stack's own values stand for parts that it omits."""
    template = existing
    if body.get("template") is not None:
        template = parse_template(load_source(body["template"]))
    elif not existing.source:
        raise HTTPBadRequest("No template specified")
    rollback, timeout_mins = body.get("disable_rollback"), body.get("timeout_mins")
    tags = body.get("tags")
    return StackRequest(
        template=template,
        input_parameters={**current_parameters, **_read_parameters(body)},
        timeout_mins=None if timeout_mins is None else _parse_natural_number("timeout_mins", timeout_mins),
        disable_rollback=None if rollback is None else _parse_rollback(rollback),
        tags=tuple(tags.split(",")) if isinstance(tags, str) and tags else current_tags,
    )


def read_flag(query: QueryParams, name: str, default: bool = False) -> bool:
    """Read a query parameter that is true or false."""
    if name not in query:
        return default
    text = query[name].lower()
    if text not in FLAG_WORDS:
        message = f'Unrecognized value "{query[name]}" for "{name}", acceptable values are: true, false'
        raise HTTPBadRequest(message)
    return FLAG_WORDS[text]


def read_number(query: QueryParams, name: str) -> int:
    """Read a query parameter that is a number; 0 if it is missing."""
    text = query.get(name, "0")
    return _parse_natural_number(name, text)


def _parse_rollback(value: object) -> bool:
    if str(value).lower() not in FLAG_WORDS:
        raise FlagUnreadable
    return FLAG_WORDS[str(value).lower()]


def _parse_natural_number(name: str, value: object) -> int:
    try:
        number = int(str(value))
    except ValueError as error:
        raise HTTPBadRequest(f"Only integer is acceptable by '{name}'.") from error
    if number < 0:
        raise HTTPBadRequest(
            f"Value '{value}' is invalid for '{name}' which only accepts non-negative integer."
        )
    return number


def _read_parameters(body: Mapping[str, object]) -> dict[str, object]:
    environment = body.get("environment") or {}
    if isinstance(environment, str):
        try:
            environment = yaml.load(environment, Loader=AliasLimitingLoader) or {}  # noqa: S506 - a SafeLoader
        except TooManyAliases as error:
            message = (
                f"The environment is too large: aliases repeat more than {ALIAS_LIMIT_CHARACTERS} characters"
            )
            raise HTTPBadRequest(message) from error
        except yaml.YAMLError as error:
            raise HTTPBadRequest(f"The environment is not a valid YAML mapping: {error}") from error
    if not isinstance(environment, dict):
        raise HTTPBadRequest("The environment is not a valid YAML mapping data type.")
    if environment.get("resource_registry"):
        raise NotSupported("A resource registry, by this imitation of Heat, is not supported.")
    environment_parameters = environment.get("parameters") or {}
    body_parameters = body.get("parameters") or {}
    if not isinstance(environment_parameters, dict) or not isinstance(body_parameters, dict):
        raise HTTPBadRequest("Parameters must be a map.")
    return {**environment_parameters, **body_parameters}
