"""Definitions of objects as texts that are equal on two servers, and their comparison. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import zip_longest

from guestagent.verification.result import Difference

AUTO_INCREMENT = re.compile(r"(\n\) ENGINE=\S+(?: \w+=\S+)*?) AUTO_INCREMENT=\d+")
DISPLAY_LIMIT = 120


@dataclass(frozen=True, slots=True, order=True)
class DefinedObject:
    """An object with a definition. `name` is "" for a schema itself; `table` is that of a trigger."""

    schema: str
    kind: str
    name: str = ""
    table: str = ""

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.name}" if self.name else self.schema


Definitions = Mapping[DefinedObject, str]


def normalize_table(text: str) -> str:
    """Remove the counter of AUTO_INCREMENT: after a rollback or a restart it differs between equal tables."""
    return AUTO_INCREMENT.sub(r"\1", text, count=1)


def find_suspects(source: Definitions, replica: Definitions) -> tuple[DefinedObject, ...]:
    """Return the objects with different definitions, and those that only one server has."""
    return tuple(sorted(each for each in {*source, *replica} if source.get(each) != replica.get(each)))


def build_differences(
    suspects: Iterable[DefinedObject], source: Definitions, replica: Definitions
) -> tuple[Difference, ...]:
    """Describe the differences. The objects of a missing schema or the triggers of a missing table are not repeated."""
    suspects = tuple(suspects)
    absent = {each for each in suspects if (each in source) != (each in replica)}
    differences = []
    for each in suspects:
        owners = {DefinedObject(each.schema, "schema"), DefinedObject(each.schema, "table", each.table)}
        if each in absent and owners - {each} & absent:
            continue
        text = _describe(source.get(each), replica.get(each))
        differences.append(Difference(each.kind, each.full_name, text))
    return tuple(differences)


def _describe(source: str | None, replica: str | None) -> str:
    if replica is None:
        return "missing on the replica"
    if source is None:
        return "only on the replica"
    lines = zip_longest(source.splitlines(), replica.splitlines(), fillvalue="")
    source_line, replica_line = next((pair for pair in lines if pair[0] != pair[1]), ("", ""))
    return f"on the source {_shorten(source_line)}, on the replica {_shorten(replica_line)}"


def _shorten(line: str) -> str:
    text = line.strip().rstrip(",") or "nothing"
    return text if len(text) <= DISPLAY_LIMIT else f"{text[:DISPLAY_LIMIT]}..."
