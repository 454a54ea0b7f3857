"""Server variables whose values contradict each other, or what else a document says. Pure.

Each would be accepted one by one, and the node would then never be ready.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from guestagent.metadata.document import Section, UnresolvedFunction, User
from guestagent.metadata.variable_allowlist import format_variable
from guestagent.metadata.variable_types import VariableValue
from guestagent.validation import Cursor

LOOPBACK = re.compile(r"localhost|127\.[0-9.]+|::1|::ffff:127\.[0-9.]+")
AGENT_CONNECTIONS = 1
"""The login by which it proves an account. Its own session is root's, for whom servers keep one more."""

ORDERED_PAIRS = (("innodb_io_capacity", "innodb_io_capacity_max"),)
"""Pairs of which the server takes the first only up to the second."""

VariableValues = Mapping[str, VariableValue | UnresolvedFunction]


def check_ordered_pairs(at: Cursor, variables: VariableValues) -> None:
    """Note the variables that contradict each other; `at` is the mapping that holds them."""
    for lower, upper in ORDERED_PAIRS:
        least, most = _number(variables, lower), _number(variables, upper)
        if least is not None and most is not None and least > most:
            at.get_child(lower, None).add_problem(
                f"at most {upper}, {most}", str(least), f"raise {upper}, or lower this one"
            )


def check_secure_transport(at: Cursor, variables: VariableValues, in_clear: bool) -> None:
    """Note the variables by which a source rejects a channel in clear; `in_clear`: no channel may be encrypted."""
    if in_clear and format_given_value(variables, "require_secure_transport") == "ON":
        do = "the server would reject every channel: require TLS of the channels, or leave the variable out"
        at.get_child("require_secure_transport", None).add_problem("OFF if channels are in clear", "ON", do)


def check_bind_address(at: Cursor, variables: VariableValues) -> None:
    """Note the variables by which no other machine reaches a server; a tunnel, or a replica beside it, still would."""
    address = format_given_value(variables, "bind_address")
    if address is not None and LOOPBACK.fullmatch(address):
        do = "replicas come over the network: leave it out, or write *"
        at.get_child("bind_address", None).add_problem("an address that replicas can reach", address, do)


def check_max_connections(at: Cursor, variables: VariableValues, replicas: int) -> None:
    """Note the variables by which a source has no room for so many replicas."""
    if not replicas:
        return
    connections = _number(variables, "max_connections")
    if connections is not None and connections < replicas + AGENT_CONNECTIONS:
        do = "each replica has a connection, and the agent logs in too"
        least = f"at least {replicas + AGENT_CONNECTIONS} for {replicas} replicas"
        at.get_child("max_connections", None).add_problem(least, str(connections), do)


def check_section(at: Cursor, section: Section | None, users: tuple[User, ...]) -> None:
    """Note what of a node's variables contradicts the rest of its document; `at` is the document."""
    if section is None:
        return
    variables = at.get_child("GuestAgent", None).get_child("Variables", None)
    check_secure_transport(variables, section.variables, section.tls is not None and not section.tls.required)
    check_max_connections(variables, section.variables, len(users))


def _number(variables: VariableValues, name: str) -> int | None:
    text = format_given_value(variables, name)
    return None if text is None else int(text)


def format_given_value(variables: VariableValues, name: str) -> str | None:
    """As the server spells it; None if it is missing, a function, or not of its kind, which is another problem."""
    value = variables.get(name)
    if value is None or isinstance(value, UnresolvedFunction):
        return None
    try:
        return format_variable(name, value)
    except ValueError:
        return None
