"""Statements as values: a fixed text and what is quoted into it; only the server gets `reveal`.

For statements that take no placeholders (CREATE USER, CHANGE MASTER): the server refuses to prepare those.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile

from guestagent.database.state import Account
from guestagent.database.steps import SERVER_DEFAULT
from guestagent.metadata.document import UnresolvedFunction
from guestagent.secret import MASK, Secret

SQL_MODE = "CONCAT_WS(',', 'STRICT_ALL_TABLES' /*M! , 'NO_AUTO_CREATE_USER' */)"
"""Every session of ours runs with it: a backslash escapes, which `quoted` counts on, and a GRANT to nobody fails
instead of creating an account without a password (MySQL never does; to it the second mode is a comment).
"""

MASK_PREFIX_LENGTH = 4
"""So many characters of a secret are not shown, wherever they come from."""

VARIABLE_NAME_PATTERN = re.compile(r"[a-z][a-z0-9_]{0,63}")
NUMBER_PATTERN = re.compile(r"-?[0-9]+(\.[0-9]+)?")

SqlValue = str | int | Account | Secret | UnresolvedFunction


@dataclass(frozen=True, slots=True)
class Statement:
    """`text` with one `{}` for each value. `str()` shows it, with its secrets masked."""

    text: str
    values: tuple[SqlValue, ...] = ()

    def __str__(self) -> str:
        return self.text.format(*(_spelled(value, _shown) for value in self.values))

    def reveal(self) -> str:
        """What goes to the server. TypeError where a template function is left: it can be shown, not done."""
        return self.text.format(*(_spelled(value, _told) for value in self.values))

    def mask_secrets(self, text: str) -> str:
        """A server's answer to this statement without its secrets: quoted or not, whole or cut short."""
        for secret in (value.reveal() for value in self.values if isinstance(value, Secret)):
            for spelling in {secret, quote_string(secret)[1:-1]}:
                text = _covered(text, spelling)
        return text


def sql(text: str, *values: SqlValue) -> Statement:
    """A statement on one line of code."""
    return Statement(text, values)


def build_set_global(name: str, value: str) -> Statement:
    """SET GLOBAL. ValueError for what is no name of a variable: it stands in the statement as it is."""
    if not VARIABLE_NAME_PATTERN.fullmatch(name):
        raise ValueError(f"{name!r} is no variable's name")
    # A number in quotes is refused where the variable is one.
    plain = value == SERVER_DEFAULT or NUMBER_PATTERN.fullmatch(value)
    return sql(f"SET GLOBAL {name} = {value}") if plain else sql(f"SET GLOBAL {name} = {{}}", value)


def quote_string(text: str) -> str:
    """A string literal under SQL_MODE."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''").replace("\0", "\\0") + "'"


def _spelled(value: SqlValue, open_up: Callable[[Secret | UnresolvedFunction], str]) -> str:
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, Account):
        return f"{quote_string(value.name)}@{quote_string(value.host)}"
    return quote_string(value if isinstance(value, str) else open_up(value))


def _shown(value: Secret | UnresolvedFunction) -> str:
    return MASK if isinstance(value, Secret) else str(value)


def _told(value: Secret | UnresolvedFunction) -> str:
    if isinstance(value, UnresolvedFunction):
        raise TypeError(f"the template function {value} has no value yet: it cannot be applied")
    return value.reveal()


def _covered(text: str, secret: str) -> str:
    """Masks every place where `text` begins to quote `secret`, as far as it does: servers cut long strings."""
    telling = secret[:MASK_PREFIX_LENGTH]
    if not telling or telling not in text:
        return text
    before, _, after = text.partition(telling)
    pairs = zip(after, secret[MASK_PREFIX_LENGTH:], strict=False)
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    return f"{before}{MASK}{_covered(after[same:], secret)}"
