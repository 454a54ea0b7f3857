"""A table as a verification sees it: its columns, and the key along which its rows are read. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

SNAPSHOT_ENGINES = frozenset({"InnoDB"})
NUMBER_TYPES = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "year"})
TIME_TYPES = frozenset({"date", "datetime", "timestamp", "time"})
ADDRESS_TYPES = frozenset({"uuid", "inet4", "inet6"})
CHARACTER_TYPES = frozenset({"char", "varchar"})
BINARY_TYPES = frozenset({"binary", "varbinary"})
KEY_TYPES = NUMBER_TYPES | TIME_TYPES | ADDRESS_TYPES | CHARACTER_TYPES | BINARY_TYPES
"""Types whose values are ordered in the same way by ORDER BY and by a comparison with a literal."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its data type without length, and its character set, None for other types."""

    name: str
    data_type: str
    charset: str | None = None
    is_nullable: bool = True


@dataclass(frozen=True, slots=True)
class IndexPart:
    """A column of a unique index. `is_complete`: the whole column, not a prefix of it or an expression."""

    index: str
    column: str
    is_complete: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """A base table. `key` is () if it has none that identifies rows. `row_size` is an estimate in bytes.

    `is_versioned`: it has a history of its rows (MariaDB).
    """

    schema: str
    name: str
    engine: str
    columns: tuple[Column, ...]
    key: tuple[Column, ...] = ()
    row_size: int = 100
    row_estimate: int = 0
    is_versioned: bool = False

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def has_snapshots(self) -> bool:
        """Return whether a snapshot contains its rows."""
        return self.engine in SNAPSHOT_ENGINES


def choose_key(columns: Iterable[Column], parts: Iterable[IndexPart]) -> tuple[Column, ...]:
    """Choose the key: the primary key, or the unique index with the fewest columns. None may be NULL.

    `parts` are those of all unique indexes, in their order.
    """
    columns_by_name = {column.name: column for column in columns}
    parts_by_index: dict[str, list[IndexPart]] = {}
    for part in parts:
        parts_by_index.setdefault(part.index, []).append(part)
    candidates = []
    for index, index_parts in parts_by_index.items():
        key = tuple(columns_by_name[part.column] for part in index_parts if part.column in columns_by_name)
        is_usable = len(key) == len(index_parts) and all(part.is_complete for part in index_parts)
        if is_usable and all(not each.is_nullable and each.data_type in KEY_TYPES for each in key):
            candidates.append((index != "PRIMARY", len(key), index, key))
    return min(candidates, key=lambda each: each[:3])[3] if candidates else ()
