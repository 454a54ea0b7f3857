"""Statements as values: a fixed text, and values that are quoted into it. Only the server receives `reveal`.

For statements without placeholders (CREATE USER, CHANGE MASTER), which the servers cannot prepare.
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
"""The mode of every session: `quote_string` relies on backslash escapes, and a GRANT to an unknown account fails
instead of creating one without a password (MySQL never creates one, and reads the second mode as a comment).
"""

MASK_PREFIX_LENGTH = 4
"""The first characters of a secret, which mark a quotation of it in any text."""

VARIABLE_NAME_PATTERN = re.compile(r"[a-z][a-z0-9_]{0,63}")
NUMBER_PATTERN = re.compile(r"-?[0-9]+(\.[0-9]+)?")

SqlValue = str | int | Account | Secret | UnresolvedFunction


@dataclass(frozen=True, slots=True)
class Statement:
    """`text` has one `{}` for each value. `str()` masks secrets."""

    text: str
    values: tuple[SqlValue, ...] = ()

    def __str__(self) -> str:
        return self.text.format(*(_format_value(value, _mask_value) for value in self.values))

    def reveal(self) -> str:
        """Return the text for the server. TypeError if it contains an unresolved template function."""
        return self.text.format(*(_format_value(value, _reveal_value) for value in self.values))

    def mask_secrets(self, text: str) -> str:
        """Mask this statement's secrets in a server's text: quoted or not, complete or cut."""
        for secret in (value.reveal() for value in self.values if isinstance(value, Secret)):
            for spelling in {secret, quote_string(secret)[1:-1]}:
                text = _mask_secret(text, spelling)
        return text


def sql(text: str, *values: SqlValue) -> Statement:
    """Build a statement."""
    return Statement(text, values)


def build_set_global(name: str, value: str) -> Statement:
    """Build a SET GLOBAL. ValueError if `name` is not a valid variable name: it is not quoted."""
    if not VARIABLE_NAME_PATTERN.fullmatch(name):
        raise ValueError(f"{name!r} is not a variable name")
    # The server rejects a quoted number for a numeric variable.
    is_unquoted = value == SERVER_DEFAULT or NUMBER_PATTERN.fullmatch(value)
    return sql(f"SET GLOBAL {name} = {value}") if is_unquoted else sql(f"SET GLOBAL {name} = {{}}", value)


def build_grant(account: Account, privileges: frozenset[str]) -> Statement:
    """Build the statement that grants an account global privileges."""
    return sql(f"GRANT {', '.join(sorted(privileges))} ON *.* TO {{}}", account)


def quote_string(text: str) -> str:
    """Return a string literal for SQL_MODE."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''").replace("\0", "\\0") + "'"


def _format_value(value: SqlValue, format_hidden: Callable[[Secret | UnresolvedFunction], str]) -> str:
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, Account):
        return f"{quote_string(value.name)}@{quote_string(value.host)}"
    return quote_string(value if isinstance(value, str) else format_hidden(value))


def _mask_value(value: Secret | UnresolvedFunction) -> str:
    return MASK if isinstance(value, Secret) else str(value)


def _reveal_value(value: Secret | UnresolvedFunction) -> str:
    if isinstance(value, UnresolvedFunction):
        raise TypeError(f"the template function {value} has no value yet: it cannot be applied")
    return value.reveal()


def _mask_secret(text: str, secret: str) -> str:
    """Mask all quotations of `secret`, also incomplete ones: servers cut long strings."""
    prefix = secret[:MASK_PREFIX_LENGTH]
    if not prefix or prefix not in text:
        return text
    before, _, after = text.partition(prefix)
    pairs = zip(after, secret[MASK_PREFIX_LENGTH:], strict=False)
    quoted_length = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    return f"{before}{MASK}{_mask_secret(after[quoted_length:], secret)}"
