"""The result of a verification: the differences, and what could not be compared. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from guestagent.strict_json import UnreadableContent, get_list, get_number, get_text
from guestagent.verification.object_kind import KindCoverage

EQUAL, DIFFERENT, INCOMPLETE = "equal", "different", "incomplete"


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: a definition, or the rows in a range of keys.

    `kind` is that of the object (`table`, `trigger`, ...), or `rows`. `first_key` and `last_key` are the keys at both
    ends of a range of rows, "" for a table without a key. The numbers of rows are those in the range.
    """

    kind: str
    name: str
    text: str
    first_key: str = ""
    last_key: str = ""
    source_rows: int | None = None
    replica_rows: int | None = None

    def __str__(self) -> str:
        return f"{self.kind} {self.name}: {self.text}"

    def as_json(self) -> dict[str, object]:
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, slots=True)
class Uncompared:
    """An object that was not compared, and the reason. `is_expected`: this does not make the result incomplete."""

    name: str
    reason: str
    is_expected: bool = False

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}"

    def as_json(self) -> dict[str, object]:
        return {"name": self.name, "reason": self.reason, "is_expected": self.is_expected}


@dataclass(frozen=True, slots=True)
class VerificationResult:
    """What a verification has found.

    `first_position` and `last_position` are the GTID positions of its first and its last pair of snapshots,
    `snapshot_count` the number of pairs, `longest_hold_s` the longest time for which the SQL thread was stopped.
    `selection` describes the compared part, "" for everything. `byte_count` is an estimate. `coverage`: the kinds of
    objects whose definitions were compared, and those whose were not.
    """

    source: str
    seconds: float
    definition_count: int = 0
    table_count: int = 0
    row_count: int = 0
    byte_count: int = 0
    snapshot_count: int = 0
    longest_hold_s: float = 0.0
    first_position: str = ""
    last_position: str = ""
    selection: str = ""
    differences: tuple[Difference, ...] = ()
    uncompared: tuple[Uncompared, ...] = ()
    coverage: tuple[KindCoverage, ...] = ()

    @property
    def outcome(self) -> str:
        """Return `different`, `incomplete` (no difference, but a part was not compared) or `equal`."""
        if self.differences:
            return DIFFERENT
        return INCOMPLETE if any(not each.is_expected for each in self.uncompared) else EQUAL

    def summarize(self) -> str:
        """Return the result in one sentence."""
        part = f" ({self.selection})" if self.selection else ""
        extent = (
            f"{self.definition_count} definitions, {self.table_count} tables and {self.row_count} rows{part} compared "
            f"with {self.source}"
        )
        unexpected = sum(not each.is_expected for each in self.uncompared)
        match self.outcome:
            case "different":
                return f"different: {len(self.differences)} differences; {extent}"
            case "incomplete":
                return f"incomplete: no difference, but {unexpected} objects were not compared; {extent}"
        return f"equal: {extent}"

    def as_json(self) -> dict[str, object]:
        return {
            "result": self.outcome,
            "source": self.source,
            "selection": self.selection,
            "seconds": round(self.seconds, 1),
            "definitions": self.definition_count,
            "tables": self.table_count,
            "rows": self.row_count,
            "bytes": self.byte_count,
            "snapshots": self.snapshot_count,
            "longest_hold": round(self.longest_hold_s, 3),
            "first_position": self.first_position,
            "last_position": self.last_position,
            "differences": [each.as_json() for each in self.differences],
            "uncompared": [each.as_json() for each in self.uncompared],
            "kinds": [each.as_json() for each in self.coverage],
        }


def parse_result(data: Mapping[str, object]) -> VerificationResult:
    """Parse the output of `as_json`. Raises UnreadableContent if it is anything else."""
    return VerificationResult(
        source=get_text(data, "source"),
        selection=get_text(data, "selection"),
        seconds=get_number(data, "seconds"),
        definition_count=int(get_number(data, "definitions")),
        table_count=int(get_number(data, "tables")),
        row_count=int(get_number(data, "rows")),
        byte_count=int(get_number(data, "bytes")),
        snapshot_count=int(get_number(data, "snapshots")),
        longest_hold_s=get_number(data, "longest_hold"),
        first_position=get_text(data, "first_position"),
        last_position=get_text(data, "last_position"),
        differences=tuple(map(_parse_difference, get_list(data, "differences"))),
        uncompared=tuple(map(_parse_uncompared, get_list(data, "uncompared"))),
        # Earlier versions did not write them.
        coverage=tuple(map(_parse_coverage, get_list(data, "kinds", []))),
    )


def _parse_difference(data: object) -> Difference:
    mapping = _require_mapping(data)
    return Difference(
        kind=get_text(mapping, "kind"),
        name=get_text(mapping, "name"),
        text=get_text(mapping, "text"),
        first_key=get_text(mapping, "first_key"),
        last_key=get_text(mapping, "last_key"),
        source_rows=_find_count(mapping, "source_rows"),
        replica_rows=_find_count(mapping, "replica_rows"),
    )


def _find_count(data: Mapping[str, object], name: str) -> int | None:
    return None if data.get(name) is None else int(get_number(data, name))


def _parse_uncompared(data: object) -> Uncompared:
    mapping = _require_mapping(data)
    return Uncompared(
        get_text(mapping, "name"), get_text(mapping, "reason"), mapping.get("is_expected") is True
    )


def _parse_coverage(data: object) -> KindCoverage:
    mapping = _require_mapping(data)
    is_compared, note = mapping.get("is_compared") is True, get_text(mapping, "note")
    return KindCoverage(get_text(mapping, "kind"), is_compared, _find_count(mapping, "count"), note)


def _require_mapping(data: object) -> Mapping[str, object]:
    if not isinstance(data, dict):
        raise UnreadableContent("an entry is not a JSON object")
    return data
