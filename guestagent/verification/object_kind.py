"""Kinds of objects, and for each of them whether a verification compares it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

COMMON_KINDS = ("schema", "table", "view", "procedure", "function", "trigger", "event")
FAMILY_KINDS = {
    "MariaDB": (*COMMON_KINDS, "sequence", "package", "package body"),
    "MySQL": (*COMMON_KINDS, "library"),
}
"""The kinds that have a definition in a schema."""

PRIVILEGE_KINDS = frozenset({"trigger", "event"})
"""The kinds that an account sees only if it may also change them."""

PARTIAL_NOTES = {"sequence": "their definitions, and not how far they are"}
"""Kinds of which only a part is compared."""

OUTER_KINDS = ("account", "role", "loadable function", "plugin", "server", "tablespace", "variable")
OUTER_NOTE = "they belong to no schema"


@dataclass(frozen=True, slots=True)
class KindCoverage:
    """Whether the definitions of a kind were compared, and of how many objects; None if nobody has counted them.

    `note`: why they were not compared, or with what they were, if not with what the source's account sees.
    """

    kind: str
    is_compared: bool
    count: int | None = None
    note: str = ""

    def as_json(self) -> dict[str, object]:
        return {"kind": self.kind, "is_compared": self.is_compared, "count": self.count, "note": self.note}


def build_coverage(
    family: str, counts: Mapping[str, int], hidden: Mapping[str, str], written: Mapping[str, str]
) -> tuple[KindCoverage, ...]:
    """Build the coverage of all kinds. `hidden` and `written` have the notes of kinds that the account cannot see."""
    inner = (
        KindCoverage(kind, False, None, hidden[kind])
        if kind in hidden
        else KindCoverage(kind, True, counts.get(kind, 0), written.get(kind, PARTIAL_NOTES.get(kind, "")))
        for kind in FAMILY_KINDS[family]
    )
    return (*inner, *(KindCoverage(kind, False, None, OUTER_NOTE) for kind in OUTER_KINDS))


def format_coverage(coverage: Iterable[KindCoverage]) -> Iterator[tuple[bool, str]]:
    """Format the kinds for a person, one text for all with the same note. True: those were compared."""
    key = lambda each: (not each.is_compared, each.note)  # noqa: E731
    for (is_left_out, note), group in groupby(sorted(coverage, key=key), key):
        words = ", ".join(
            format_kind(each.kind)
            if each.count is None
            else f"{each.count} {format_kind(each.kind, each.count)}"
            for each in group
        )
        yield not is_left_out, f"{words}: {note}" if note else words


def format_kind(kind: str, count: int = 0) -> str:
    """Return the word for so many objects of a kind."""
    if count == 1:
        return kind
    return f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s"
