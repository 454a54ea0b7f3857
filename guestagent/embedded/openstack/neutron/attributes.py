"""The attributes of requests to Neutron: which ones there are, and how their values are read. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from guestagent.embedded.http.errors import HTTPBadRequest
from guestagent.embedded.openstack.neutron.errors import SecurityGroupDefaultAlreadyExists, WrongKindOfValue

TEXT_LIMIT = 255
DEFAULT_GROUP = "default"
UUID_PATTERN = re.compile(r"[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}")
TRUE_TEXTS, FALSE_TEXTS = ("true", "1"), ("false", "0")
UNSET = object()
"""What stands for an attribute that is not in a request and has no value of its own then."""
REQUIRED = object()


class WrongValue(Exception):
    """Why a value is refused."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute. `read` returns the value to keep; WrongValue: it is refused."""

    read: Callable[[Any], Any]
    default: object = UNSET
    can_be_changed: bool = True


def read_creation(
    body: Mapping[str, Any], known: Mapping[str, Attribute], shown: frozenset[str]
) -> dict[str, Any]:
    """Return the values of a new object, with those of the attributes that the request does not name.

    `shown` are the attributes that only Neutron itself sets.
    """
    _refuse_unknown(body, known.keys() | shown)
    for name in body:
        if name not in known:
            raise HTTPBadRequest(f"Attribute '{name}' not allowed in POST")
    for name, attribute in known.items():
        if attribute.default is REQUIRED and name not in body:
            raise HTTPBadRequest(f"Failed to parse request. Required attribute '{name}' not specified")
    defaults = {name: each.default for name, each in known.items() if each.default is not UNSET}
    return {**defaults, **_read_values(body, known)}


def read_change(
    body: Mapping[str, Any], known: Mapping[str, Attribute], shown: frozenset[str]
) -> dict[str, Any]:
    """Return the values that a request changes."""
    _refuse_unknown(body, known.keys() | shown)
    for name in body:
        if name not in known or not known[name].can_be_changed:
            raise HTTPBadRequest(f"Cannot update read-only attribute {name}")
    return _read_values(body, known)


def read_text(value: Any) -> str:
    """Read a text of up to 255 characters."""
    if not isinstance(value, str):
        raise WrongValue(f"'{value}' is not a valid string.")
    if len(value) > TEXT_LIMIT:
        raise WrongValue(f"'{value}' exceeds maximum length of {TEXT_LIMIT}.")
    return value


def read_group_name(value: Any) -> str:
    """Read the name of a group, of which only the project's own is called `default`."""
    name = read_text(value)
    if name.lower() == DEFAULT_GROUP:
        raise SecurityGroupDefaultAlreadyExists
    return name


def read_id(value: Any) -> str:
    """Read an id of Neutron's."""
    if not isinstance(value, str) or not UUID_PATTERN.fullmatch(value):
        raise WrongValue(f"'{value}' is not a valid UUID.")
    return value


def read_ids(value: Any) -> list[str]:
    """Read a list of ids; null is none."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise WrongValue(f"'{value}' is not a list.")
    twice = dict.fromkeys(each for number, each in enumerate(value) if each in value[:number])
    if twice:
        raise WrongValue(f"Duplicate items in the list: '{', '.join(map(str, twice))}'.")
    return [read_id(each) for each in value]


def read_flag(value: Any) -> bool:
    """Read true or false."""
    if isinstance(value, bool):
        return value
    if str(value).lower() in (*TRUE_TEXTS, *FALSE_TEXTS):
        return str(value).lower() in TRUE_TEXTS
    raise WrongKindOfValue(f"Invalid input for operation: '{value}' cannot be converted to boolean.")


def read_fixed_ips(value: Any) -> list[dict[str, str]]:
    """Read the addresses and subnets that a port asks for."""
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise WrongValue(f"Invalid data format for fixed IP: '{value}'.")
    for each in value:
        if "subnet_id" in each:
            read_id(each["subnet_id"])
        if "ip_address" in each:
            _check_address(each["ip_address"])
    return value


def read_mac_address(value: Any) -> str:
    """Read a MAC address."""
    if not re.fullmatch(r"[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}", str(value)):
        raise WrongValue(f"'{value}' is not a valid MAC address.")
    return str(value)


def read_anything(value: Any) -> Any:
    """Keep a value as it is."""
    return value


def build_choice(*values: str) -> Callable[[Any], str]:
    """Return what reads one of these words."""

    def read_choice(value: Any) -> str:
        if value not in values:
            raise WrongValue(f"{value} is not in valid_values.")  # Neutron does not name them
        return str(value)

    return read_choice


def _check_address(text: Any) -> None:
    try:
        ip_address(str(text))
    except ValueError as error:
        raise WrongValue(f"'{text}' is not a valid IP address.") from error


def _refuse_unknown(body: Mapping[str, Any], names: frozenset[str] | set[str]) -> None:
    unknown = [name for name in body if name not in names]
    if unknown:
        raise HTTPBadRequest(f"Unrecognized attribute(s) '{', '.join(unknown)}'")


def _read_values(body: Mapping[str, Any], known: Mapping[str, Attribute]) -> dict[str, Any]:
    values = {}
    for name, attribute in known.items():
        if name in body:
            try:
                values[name] = attribute.read(body[name])
            except WrongValue as error:
                raise HTTPBadRequest(f"Invalid input for {name}. Reason: {error}") from error
    return values
