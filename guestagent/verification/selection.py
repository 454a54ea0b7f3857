"""The part of the data that a verification compares. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Selection:
    """Schemas, and tables as pairs of schema and name. Without any, everything is selected."""

    schemas: frozenset[str] = frozenset()
    tables: frozenset[tuple[str, str]] = frozenset()

    @property
    def is_everything(self) -> bool:
        return not self.schemas and not self.tables

    def includes_schema(self, schema: str) -> bool:
        """Return whether any object of the schema may be selected."""
        return self.is_everything or schema in self.schemas or any(each[0] == schema for each in self.tables)

    def includes_object(self, schema: str, name: str, table: str = "") -> bool:
        """Return whether an object of a schema is selected. `table` is the table to which it belongs, if any."""
        return self.is_everything or schema in self.schemas or (schema, table or name) in self.tables

    def find_missing(self, schemas: frozenset[str], tables: frozenset[tuple[str, str]]) -> tuple[str, ...]:
        """Return what was selected and is in neither of these sets."""
        missing_tables = (f"{schema}.{name}" for schema, name in self.tables - tables)
        return tuple(sorted([*(self.schemas - schemas), *missing_tables]))

    def __str__(self) -> str:
        """Return a description, "" for everything."""
        return ", ".join(sorted([*self.schemas, *(f"{schema}.{name}" for schema, name in self.tables)]))


def parse_selection(schemas: list[str], tables: list[str]) -> Selection:
    """Parse names of schemas, and of tables as SCHEMA.TABLE. ValueError names the one without a schema."""
    pairs = set()
    for text in tables:
        schema, dot, name = text.partition(".")
        if not (schema and dot and name):
            raise ValueError(text)
        pairs.add((schema, name))
    return Selection(frozenset(schemas), frozenset(pairs))
