"""Ranges of rows in the order of a key, as SQL. Pure.

A key is a tuple of values, one for each column: as the server writes them, strings in hexadecimal digits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from guestagent.database.sql_statement import quote_string
from guestagent.verification.identifiers import quote_name
from guestagent.verification.table import BINARY_TYPES, CHARACTER_TYPES, NUMBER_TYPES, Column

Key = tuple[str, ...]
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
HEX = re.compile(r"([0-9A-Fa-f]{2})*")
CHARSET = re.compile(r"[a-z0-9_]+")
CODECS = {"utf8mb4": "utf-8", "utf8mb3": "utf-8", "utf8": "utf-8", "latin1": "cp1252", "ascii": "ascii"}
CODECS |= {"utf16": "utf-16-be", "utf32": "utf-32-be", "ucs2": "utf-16-be"}


@dataclass(frozen=True, slots=True)
class KeyRange:
    """The rows after one key and up to another one; None: from the first row, or to the last one."""

    after: Key | None = None
    until: Key | None = None

    def end_at(self, key: Key | None) -> KeyRange:
        return replace(self, until=key)

    def begin_after(self, key: Key | None) -> KeyRange:
        return replace(self, after=key)

    def build_condition(self, columns: tuple[Column, ...]) -> str:
        """Return the WHERE clause, "" for all rows.

        The first column is compared on its own as well, because the servers' optimizers use an index for that.
        """
        conditions = []
        if self.after is not None:
            conditions.append(_build_comparison(columns, self.after, ">", ">"))
        if self.until is not None:
            conditions.append(_build_comparison(columns, self.until, "<", "<="))
        return f" WHERE {' AND '.join(conditions)}" if conditions else ""


def _build_comparison(columns: tuple[Column, ...], key: Key, strict: str, last: str) -> str:
    """Compare in the order of the key: (a > 1) OR (a = 1 AND b > 2), and redundantly a >= 1."""
    names = [quote_name(column.name) for column in columns]
    literals = [build_literal(column, value) for column, value in zip(columns, key, strict=True)]
    if len(names) == 1:
        return f"{names[0]} {last} {literals[0]}"
    terms = []
    for index in range(len(names)):
        equal = [f"{names[i]} = {literals[i]}" for i in range(index)]
        operator = last if index == len(names) - 1 else strict
        terms.append(" AND ".join([*equal, f"{names[index]} {operator} {literals[index]}"]))
    return f"{names[0]} {strict}= {literals[0]} AND ({' OR '.join(f'({term})' for term in terms)})"


def build_literal(column: Column, value: str) -> str:
    """Return the SQL literal of a key's value. ValueError if it does not have the form of its type."""
    if column.data_type in NUMBER_TYPES:
        return _require(NUMBER, value)
    if column.data_type in CHARACTER_TYPES:
        # Its own collation does not count in a comparison with the column.
        return f"_{_require(CHARSET, column.charset or 'binary')} X'{_require(HEX, value)}'"
    if column.data_type in BINARY_TYPES:
        return f"X'{_require(HEX, value)}'"
    return quote_string(value)


def build_key_expression(column: Column) -> str:
    """Return the expression that reads a column's value for a key."""
    name = quote_name(column.name)
    is_string = column.data_type in CHARACTER_TYPES | BINARY_TYPES
    return f"HEX({name})" if is_string else f"CAST({name} AS CHAR)"


def format_key(columns: tuple[Column, ...], key: Key) -> str:
    """Format a key for people, such as `id=5, name='x'`."""
    return ", ".join(
        f"{column.name}={_format_value(column, value)}" for column, value in zip(columns, key, strict=True)
    )


def _format_value(column: Column, value: str) -> str:
    if column.data_type in CHARACTER_TYPES and column.charset in CODECS:
        return repr(bytes.fromhex(value).decode(CODECS[column.charset], "backslashreplace"))
    return f"0x{value}" if column.data_type in CHARACTER_TYPES | BINARY_TYPES else value


def _require(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError("a key with a value that does not have the form of its type")
    return text
