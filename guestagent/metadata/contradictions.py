"""Server variables whose values contradict each other, or what else a document says. Pure.

Each would be accepted one by one, and the node would then never be ready.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from guestagent.metadata.document import Section, Unresolved, User
from guestagent.metadata.known_variables import spelled
from guestagent.metadata.variable_kinds import Value
from guestagent.problems import Cursor

LOOPBACK = re.compile(r"localhost|127\.[0-9.]+|::1|::ffff:127\.[0-9.]+")
AGENTS_CONNECTIONS = 1
"""The login by which it proves an account. Its own session is root's, for whom servers keep one more."""

AT_MOST = (("innodb_io_capacity", "innodb_io_capacity_max"),)
"""Pairs of which the server takes the first only up to the second."""

Values = Mapping[str, Value | Unresolved]


def check_pairs(at: Cursor, variables: Values) -> None:
    """Note the variables that contradict each other; `at` is the mapping that holds them."""
    for lower, upper in AT_MOST:
        least, most = _number(variables, lower), _number(variables, upper)
        if least is not None and most is not None and least > most:
            at.child(lower, None).wrong(f"at most {upper}, {most}", str(least), f"raise {upper}, or lower this one")


def check_channel(at: Cursor, variables: Values, in_clear: bool) -> None:
    """Note the variables by which a source rejects a channel in clear; `in_clear`: no channel may be encrypted."""
    if in_clear and spell_given(variables, "require_secure_transport") == "ON":
        do = "the server would reject every channel: require TLS of the channels, or leave the variable out"
        at.child("require_secure_transport", None).wrong("OFF if channels are in clear", "ON", do)


def check_reach(at: Cursor, variables: Values) -> None:
    """Note the variables by which no other machine reaches a server; a tunnel, or a replica beside it, still would."""
    address = spell_given(variables, "bind_address")
    if address is not None and LOOPBACK.fullmatch(address):
        do = "replicas come over the network: leave it out, or write *"
        at.child("bind_address", None).wrong("an address that replicas can reach", address, do)


def check_room(at: Cursor, variables: Values, replicas: int) -> None:
    """Note the variables by which a source has no room for so many replicas."""
    if not replicas:
        return
    connections = _number(variables, "max_connections")
    if connections is not None and connections < replicas + AGENTS_CONNECTIONS:
        do = "each replica has a connection, and the agent logs in too"
        least = f"at least {replicas + AGENTS_CONNECTIONS} for {replicas} replicas"
        at.child("max_connections", None).wrong(least, str(connections), do)


def check_section(at: Cursor, section: Section | None, users: tuple[User, ...]) -> None:
    """Note what of a node's variables contradicts the rest of its document; `at` is the document."""
    if section is None:
        return
    variables = at.child("GuestAgent", None).child("Variables", None)
    check_channel(variables, section.variables, section.tls is not None and not section.tls.required)
    check_room(variables, section.variables, len(users))


def _number(variables: Values, name: str) -> int | None:
    text = spell_given(variables, name)
    return None if text is None else int(text)


def spell_given(variables: Values, name: str) -> str | None:
    """As the server spells it; None if it is missing, a function, or not of its kind, which is another problem."""
    value = variables.get(name)
    if value is None or isinstance(value, Unresolved):
        return None
    try:
        return spelled(name, value)
    except ValueError:
        return None
