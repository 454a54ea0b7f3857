"""The passwords of the nodes' accounts: who makes them, and how they are given.

Neither a cluster nor its template holds a value of one.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Collection, Mapping
from enum import Enum

from guestagent.errors import InvalidInput, Problem
from guestagent.metadata.user_shapes import PasswordShape
from guestagent.secret import Secret
from guestagent.validation import Problems, describe_type

PASSWORD_LENGTH = (
    30  # of those that are made here or by Heat: MySQL takes 32 characters at most for a channel's
)
PASSWORD_CHARACTERS = string.ascii_letters + string.digits


class Passwords(str, Enum):
    """HEAT: a resource of the template makes each, and no controller ever sees one.

    PARAMETERS: the template has a hidden parameter for each, and whoever creates a node gives it a value.
    """

    HEAT = "heat"
    PARAMETERS = "parameters"

    def __str__(self) -> str:
        return self.value


def generate_passwords(names: Collection[str]) -> dict[str, Secret]:
    """A new password for each of these nodes."""
    return {
        name: Secret("".join(secrets.choice(PASSWORD_CHARACTERS) for _ in range(PASSWORD_LENGTH)))
        for name in names
    }


def parse_passwords(document: object) -> dict[str, Secret]:
    """The passwords in a loaded document, a mapping of nodes' names to passwords.

    InvalidInput with every problem, and never with a word of the document but what looks like a node's name: it may
    be a password in the wrong place.
    """
    if not isinstance(document, dict):
        raise InvalidInput(
            [Problem("document", "a mapping of nodes' names to passwords", describe_type(document))]
        )
    problems = Problems()
    found: dict[str, Secret] = {}
    for number, (name, value) in enumerate(document.items(), start=1):
        if not isinstance(name, str) or not _may_be_told(name):
            problems.add(f"entry {number}", "a node's name, Slave0000 or the like", "another key")
        elif (password := PasswordShape().read(problems.open_cursor(value, name))) is not None:
            found[name] = password
    problems.raise_if_any(InvalidInput)
    return found


def check_passwords(names: Collection[str], given: Mapping[str, Secret]) -> None:
    """InvalidInput unless these nodes are the ones that were given a valid password."""
    problems = Problems()
    for name in names:
        if name not in given:
            problems.add(f"passwords.{name}", "a password for this new node", "none")
    for name, password in given.items():
        if name in names:
            PasswordShape().read(problems.open_cursor(password.reveal(), f"passwords.{name}"))
        else:
            new = ", ".join(sorted(names)) or "no new node"
            path = f"passwords.{name}" if _may_be_told(name) else "passwords"
            problems.add(path, f"passwords for {new}", "one more", "each is given once, when its node is new")
    problems.raise_if_any(InvalidInput)


def _may_be_told(name: str) -> bool:
    return name.removeprefix("Master").removeprefix("Slave").isdigit()
