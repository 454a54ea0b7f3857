"""The passwords of the nodes' accounts: who generates them, and how they get to Heat.

Neither a cluster nor its template holds a password.
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

# Of passwords that are generated here or by Heat. MySQL accepts at most 32 characters for a channel.
PASSWORD_LENGTH = 30
PASSWORD_CHARACTERS = string.ascii_letters + string.digits


class Passwords(str, Enum):
    """The origin of the passwords.

    HEAT: a resource of the template generates each, and no controller ever sees one. PARAMETERS: the template has a
    hidden parameter for each, and the caller sets its value when the node is new.
    """

    HEAT = "heat"
    PARAMETERS = "parameters"

    def __str__(self) -> str:
        return self.value


def choose_passwords(names: Collection[str], given: Mapping[str, Secret] | None) -> Mapping[str, Secret]:
    """Return the `given` passwords after a check that they are those of these nodes; None: generate them."""
    if given is None:
        return generate_passwords(names)
    check_passwords(names, given)
    return given


def split_shared_passwords(
    accounts: Collection[str], given: Mapping[str, Secret] | None
) -> tuple[dict[str, Secret], Mapping[str, Secret] | None]:
    """Return the given passwords of these accounts, and the rest; None: nothing else is given.

    Another cluster has the same passwords, so they cannot be generated. Raise InvalidInput if one is missing or
    invalid.
    """
    problems = Problems()
    shared: dict[str, Secret] = {}
    for account in sorted(accounts):
        if given is None or account not in given:
            do = "both clusters have it: give the same to both"
            problems.add(f"passwords.{account}", "a password for this account", "none", do)
        elif PasswordShape().read(problems.open_cursor(given[account].reveal(), f"passwords.{account}")):
            shared[account] = given[account]
    problems.raise_if_any(InvalidInput)
    if not accounts:
        return shared, given
    rest = {name: value for name, value in (given or {}).items() if name not in accounts}
    return shared, rest or None


def generate_passwords(names: Collection[str]) -> dict[str, Secret]:
    """Generate a password for each of these nodes."""
    return {
        name: Secret("".join(secrets.choice(PASSWORD_CHARACTERS) for _ in range(PASSWORD_LENGTH)))
        for name in names
    }


def parse_passwords(document: object, accounts: Collection[str] = ()) -> dict[str, Secret]:
    """Read the passwords in a loaded document, a mapping of nodes' names, or of these accounts, to passwords.

    Raise InvalidInput with every problem. Of the document it shows only what looks like a node's name, and the
    accounts: anything else may be a password in the wrong place.
    """
    if not isinstance(document, dict):
        raise InvalidInput(
            [Problem("document", "a mapping of nodes' names to passwords", describe_type(document))]
        )
    problems = Problems()
    passwords: dict[str, Secret] = {}
    for number, (name, value) in enumerate(document.items(), start=1):
        if not isinstance(name, str) or not (_is_node_name(name) or name in accounts):
            expected = ", or ".join(["a node's name, Slave0000 or the like", *sorted(accounts)])
            problems.add(f"entry {number}", expected, "another key")
        elif (password := PasswordShape().read(problems.open_cursor(value, name))) is not None:
            passwords[name] = password
    problems.raise_if_any(InvalidInput)
    return passwords


def check_passwords(names: Collection[str], given: Mapping[str, Secret]) -> None:
    """Raise InvalidInput unless there is a valid password for each of these nodes, and for no other."""
    problems = Problems()
    for name in names:
        if name not in given:
            problems.add(f"passwords.{name}", "a password for this new node", "none")
    for name, password in given.items():
        if name in names:
            PasswordShape().read(problems.open_cursor(password.reveal(), f"passwords.{name}"))
        else:
            new_names = ", ".join(sorted(names)) or "no new node"
            path = f"passwords.{name}" if _is_node_name(name) else "passwords"
            do = "each is given once, when its node is new"
            problems.add(path, f"passwords for {new_names}", "one more", do)
    problems.raise_if_any(InvalidInput)


def _is_node_name(name: str) -> bool:
    return name.removeprefix("Master").removeprefix("Slave").isdigit()
