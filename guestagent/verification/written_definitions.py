"""Definitions that a source has written to a file: of the kinds that an account sees only if it may change them. Pure.

Root on the source may read them without such an account. The file is for `guestagent verify` on a replica.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass

from guestagent.database.gtid_history import shorten_gtids
from guestagent.strict_json import UnreadableContent, get_list, get_rows, get_text, parse_object
from guestagent.verification.definition import DefinedObject, Definitions
from guestagent.verification.object_kind import PRIVILEGE_KINDS, format_kind

VERSION = 1
COLUMN_COUNT = 5


@dataclass(frozen=True, slots=True)
class WrittenDefinitions:
    """All definitions of `kinds` on the source `server`, exactly at `position`, as text. `written_at` is for people."""

    family: str
    server: str
    position: str
    written_at: str
    kinds: frozenset[str]
    definitions: Definitions

    def __str__(self) -> str:
        return f"compared with the file that the source wrote at {self.written_at}"

    def describe(self) -> str:
        """Return how many objects of which kinds there are, and at which position."""
        counts = Counter(each.kind for each in self.definitions)
        words = " and ".join(
            f"{counts[kind]} {format_kind(kind, counts[kind])}" for kind in sorted(self.kinds)
        )
        return f"{words} at {shorten_gtids(self.position) or 'the beginning of the binary log'}"

    def format(self) -> str:
        """Return the content of the file."""
        rows = [
            [each.schema, each.kind, each.name, each.table, text]
            for each, text in sorted(self.definitions.items())
        ]
        content = {
            "version": VERSION,
            "family": self.family,
            "server": self.server,
            "position": self.position,
            "written_at": self.written_at,
            "kinds": sorted(self.kinds),
            "definitions": rows,
        }
        return json.dumps(content, indent=1) + "\n"


def parse_written_definitions(text: str) -> WrittenDefinitions:
    """Parse the output of `format`. Raises UnreadableContent if it is anything else."""
    data = parse_object(text, VERSION)
    rows = get_rows(data, "definitions", COLUMN_COUNT)
    kinds = frozenset(map(str, get_list(data, "kinds")))
    if not {row[1] for row in rows} <= kinds <= PRIVILEGE_KINDS:
        raise UnreadableContent("kinds of objects that do not belong there")
    return WrittenDefinitions(
        family=get_text(data, "family"),
        server=get_text(data, "server"),
        position=get_text(data, "position"),
        written_at=get_text(data, "written_at"),
        kinds=kinds,
        definitions={DefinedObject(*row[:-1]): row[-1] for row in rows},
    )
