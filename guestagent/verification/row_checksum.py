"""The SQL that computes a checksum of rows inside a server. Pure.

Each column becomes a text that differs for different values: exact numbers, bytes with their length, `-` for NULL. A
row's checksum is 64 bits of the SHA-256 of these texts, and a range's is the sum over its rows, in any order.
"""

from __future__ import annotations

from dataclasses import dataclass

from guestagent.verification.identifiers import quote_name
from guestagent.verification.key_range import KeyRange, build_key_expression
from guestagent.verification.table import ADDRESS_TYPES, NUMBER_TYPES, TIME_TYPES, Column, Table

FLOAT_TYPES = frozenset({"float", "double"})
POSITION_TYPES = frozenset({"enum", "set"})
TEXT_TYPES = frozenset({"tinytext", "text", "mediumtext", "longtext"})
BLOB_TYPES = frozenset({"tinyblob", "blob", "mediumblob", "longblob"})
OBJECT_TYPES = frozenset(
    {
        *("geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon"),
        *("geometrycollection", "geomcollection", "vector"),
    }
)
SEPARATOR = ", ',', "
FAILURE_MARK = 10**40
"""Added for a row whose checksum cannot be computed. The sum of 2^64 checksums is smaller."""


@dataclass(frozen=True, slots=True)
class Checksum:
    """The number of rows in a range, and the sum of their checksums."""

    row_count: int
    total: int

    @property
    def is_valid(self) -> bool:
        """Return whether the checksum of every row was computed."""
        return self.total < FAILURE_MARK


def build_checksum_query(table: Table, key_range: KeyRange) -> str:
    """Build the query of the Checksum of a range."""
    # CONCAT_WS would leave out a column whose text cannot be computed, and CONCAT is then NULL.
    row_text = f"CONCAT({SEPARATOR.join(map(build_column_text, table.columns))})"
    checksum = f"CAST(CONV(LEFT(SHA2({row_text}, 256), 16), 16, 10) AS UNSIGNED)"
    condition = key_range.build_condition(table.key)
    return (
        f"SELECT COUNT(*) AS row_count, SUM(IFNULL({checksum}, {FAILURE_MARK})) AS total"  # noqa: S608
        f" FROM {quote_name(table.schema, table.name)}{condition}"
    )


def build_key_query(table: Table, key_range: KeyRange, offset: int) -> str:
    """Build the query of the key that is `offset` rows after the first one of a range."""
    expressions = ", ".join(
        f"{build_key_expression(column)} AS k{index}" for index, column in enumerate(table.key)
    )
    order = ", ".join(quote_name(column.name) for column in table.key)
    return (
        f"SELECT {expressions} FROM {quote_name(table.schema, table.name)}"  # noqa: S608
        f"{key_range.build_condition(table.key)} ORDER BY {order} LIMIT 1 OFFSET {offset}"
    )


def build_column_text(column: Column) -> str:
    """Return the expression of a column's text."""
    name = quote_name(column.name)
    return f"IF({name} IS NULL, '-', {_build_value(column.data_type, name)})"


def _build_value(data_type: str, name: str) -> str:
    if data_type in NUMBER_TYPES | TIME_TYPES | ADDRESS_TYPES:
        return f"CAST({name} AS CHAR)"
    if data_type in FLOAT_TYPES:
        return f"{name} + 0e0"  # as text, a FLOAT has only six digits, and a DOUBLE(M,D) only D decimals
    if data_type in POSITION_TYPES:
        return f"{name} + 0"
    if data_type == "bit":
        return f"CAST({name} AS UNSIGNED)"
    # Large values as checksums: a text that is longer than max_allowed_packet would become NULL.
    if data_type == "json":
        return f"SHA2(CAST({name} AS CHAR), 256)"
    if data_type in OBJECT_TYPES:
        return f"SHA2(CAST({name} AS BINARY), 256)"
    if data_type in TEXT_TYPES | BLOB_TYPES:
        return f"SHA2({name}, 256)"
    return f"CONCAT(LENGTH({name}), ':', CAST({name} AS BINARY))"
