"""Costs of quiet passes, as text for people and as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median

from tests.bench.machine import divide_medians, format_ratio


@dataclass(frozen=True, slots=True)
class PassRow:
    """Processor seconds of every measured pass, of this checkout and of the other one, if there is one."""

    flavour: str
    what: str
    here: tuple[float, ...]
    beside: tuple[float, ...] = ()


def format_table(rows: Sequence[PassRow]) -> str:
    """Format the table in Markdown for docs/explanation/performance.md."""
    lines = ["| server | a quiet pass | before | now | ratio |", "|---|---|---|---|---|"]
    for row in rows:
        before = f"{median(row.beside):.3f} s" if row.beside else "-"
        now = f"{median(row.here):.3f} s"
        lines.append(
            f"| {row.flavour} | {row.what} | {before} | {now} | {format_ratio(row.here, row.beside)} |"
        )
    return "\n".join(lines)


def describe_rows(rows: Sequence[PassRow]) -> list[dict[str, object]]:
    """Describe the rows for JSON."""
    return [asdict(row) | {"ratio": divide_medians(row.here, row.beside)} for row in rows]
