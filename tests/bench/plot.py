"""Bars as SVG, written by hand: no drawing library for three colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from tests.bench.clusters import Row
from tests.bench.report import NAMES
from tests.bench.templates import CFN, HOT, PLAIN

COLOURS: Mapping[str, str] = {PLAIN: "#9aa0a6", CFN: "#1a73e8", HOT: "#188038"}
LEFT, WIDE, BAR, GAP, TOP = 150, 460, 18, 14, 44


def drawn(rows: Sequence[Row], about: str) -> str:
    """Median seconds to CREATE_COMPLETE, a bar for each template and size, with a line from min to max."""
    longest = max(max(row.created) for row in rows)
    parts, y, size = [], TOP, rows[0].replicas
    for row in rows:
        y += GAP if row.replicas != size else 0
        size = row.replicas
        parts.append(bar(row, y, WIDE / longest))
        y += BAR + 4
    head = text(10, 18, "Seconds from the request to CREATE_COMPLETE, guests that only answer", bold=True)
    foot = text(10, 34, f"real Heat; bars are medians, lines go from the fastest to the slowest; {about}")
    size_of_all = f'width="{LEFT + WIDE + 80}" height="{y + 10}"'
    font = 'font-family="sans-serif" font-size="12"'
    body = "\n".join([head, foot, *parts])
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size_of_all} {font}>\n{body}\n</svg>\n'


def bar(row: Row, y: int, scale: float) -> str:
    middle = y + BAR / 2
    length, least, most = (value * scale for value in (row.usual, min(row.created), max(row.created)))
    line = f'x1="{LEFT + least:.1f}" x2="{LEFT + most:.1f}" y1="{middle}" y2="{middle}" stroke="#202124"'
    return "\n".join(
        [
            text(10, middle + 4, f"1 + {row.replicas}: {NAMES[row.kind]}"),
            f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR}" fill="{COLOURS[row.kind]}"/>',
            f"<line {line}/>",
            text(LEFT + most + 6, middle + 4, f"{row.usual:.1f} s"),
        ]
    )


def text(x: float, y: float, said: str, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:.0f}" y="{y:.0f}"{weight}>{escape(said)}</text>'
