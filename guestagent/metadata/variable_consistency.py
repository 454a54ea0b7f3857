"""Checks that server variables contradict neither each other nor the rest of a document. Pure.

A server accepts each of these values alone, but the node would never become ready.
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
"""The test login for an account. The agent's own session is root's, for which servers reserve one more connection."""

SEED_CONNECTIONS = 2
"""Those of one replica's seed: the data, and what its worker or the donor asks meanwhile. A CLONE opens up to 17, but
is content with two."""

ORDERED_PAIRS = (("innodb_io_capacity", "innodb_io_capacity_max"),)
"""Pairs of variables: the server accepts the first only up to the value of the second."""

VariableValues = Mapping[str, VariableValue | UnresolvedFunction]


def check_ordered_pairs(cursor: Cursor, variables: VariableValues) -> None:
    """Note the variables that contradict each other; `cursor` is the mapping that contains them."""
    for lower, upper in ORDERED_PAIRS:
        lower_value, upper_value = _get_number(variables, lower), _get_number(variables, upper)
        if lower_value is not None and upper_value is not None and lower_value > upper_value:
            cursor.get_child(lower, None).add_problem(
                f"at most {upper}, {upper_value}", str(lower_value), f"raise {upper}, or lower this one"
            )


def check_secure_transport(cursor: Cursor, variables: VariableValues, in_clear: bool) -> None:
    """Note if a source rejects unencrypted channels although all are; `in_clear`: no channel is encrypted."""
    if in_clear and format_given_value(variables, "require_secure_transport") == "ON":
        do = "the server would reject every channel: require TLS of the channels, or leave the variable out"
        cursor.get_child("require_secure_transport", None).add_problem(
            "OFF if channels are in clear", "ON", do
        )


def check_bind_address(cursor: Cursor, variables: VariableValues) -> None:
    """Note a server that no other machine can reach. A tunnel, or a replica on the same machine, still could."""
    address = format_given_value(variables, "bind_address")
    if address is not None and LOOPBACK.fullmatch(address):
        do = "replicas connect over the network: leave it out, or write *"
        cursor.get_child("bind_address", None).add_problem("an address that replicas can reach", address, do)


def check_max_connections(cursor: Cursor, variables: VariableValues, replicas: int, seeds: int = 0) -> None:
    """Note a source that allows too few connections for its replicas, and for those of them that it seeds."""
    if not replicas:
        return
    connections = _get_number(variables, "max_connections")
    needed = replicas + SEED_CONNECTIONS * seeds + AGENT_CONNECTIONS
    if connections is not None and connections < needed:
        do = "each replica has a connection, and the agent logs in too"
        expected = f"at least {needed} for {replicas} replicas"
        if seeds:
            do = f"each replica has a connection, a seed has {SEED_CONNECTIONS} more, and the agent logs in too"
            expected += f", of which {seeds} {'is' if seeds == 1 else 'are'} seeded"
        cursor.get_child("max_connections", None).add_problem(expected, str(connections), do)


def check_section(cursor: Cursor, section: Section | None, users: tuple[User, ...]) -> None:
    """Note variables of a node that contradict the rest of its document; `cursor` is the document."""
    if section is None:
        return
    variables = cursor.get_child("GuestAgent", None).get_child("Variables", None)
    check_secure_transport(variables, section.variables, section.tls is not None and not section.tls.required)
    check_max_connections(variables, section.variables, len(users), _count_seeds(section))


def _count_seeds(section: Section) -> int:
    """Count the replicas that the source copies its data to: one that replays the binary log only has its channel."""
    return 0 if section.donor is None else sum(each.method != "replay" for each in section.donor.replicas)


def _get_number(variables: VariableValues, name: str) -> int | None:
    text = format_given_value(variables, name)
    return None if text is None else int(text)


def format_given_value(variables: VariableValues, name: str) -> str | None:
    """Return the value as the server spells it. None if it is missing, a function or invalid (another problem)."""
    value = variables.get(name)
    if value is None or isinstance(value, UnresolvedFunction):
        return None
    try:
        return format_variable(name, value)
    except ValueError:
        return None
