"""Bar charts as SVG, without a drawing library for three colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from statistics import median

GREY, BLUE, GREEN = "#9aa0a6", "#1a73e8", "#188038"
LEFT, WIDE, BAR, GAP, TOP = 190, 460, 18, 14, 44


@dataclass(frozen=True, slots=True)
class Bar:
    """A label, and the seconds of each repetition."""

    label: str
    colour: str
    seconds: tuple[float, ...]


def draw_bars(title: str, about: str, groups: Sequence[Sequence[Bar]]) -> str:
    """Draw a bar for each median, with a line from minimum to maximum, and a gap between two groups."""
    longest = max((max(bar.seconds) for bars in groups for bar in bars), default=1.0)
    parts, y = [], TOP
    for bars in groups:
        for bar in bars:
            parts.append(_draw_bar(bar, y, WIDE / longest))
            y += BAR + 4
        y += GAP
    head = draw_text(10, 18, title, bold=True)
    foot = draw_text(10, 34, f"bars are medians, lines go from the fastest to the slowest; {about}")
    size_of_all = f'width="{LEFT + WIDE + 80}" height="{y}"'
    font = 'font-family="sans-serif" font-size="12"'
    body = "\n".join([head, foot, *parts])
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size_of_all} {font}>\n{body}\n</svg>\n'


def _draw_bar(bar: Bar, y: int, scale: float) -> str:
    middle, usual = y + BAR / 2, median(bar.seconds)
    length, least, most = (value * scale for value in (usual, min(bar.seconds), max(bar.seconds)))
    line = f'x1="{LEFT + least:.1f}" x2="{LEFT + most:.1f}" y1="{middle}" y2="{middle}" stroke="#202124"'
    label = f"{usual:.1f} s" if usual >= 10 else f"{usual:.2f} s"
    return "\n".join(
        [
            draw_text(10, middle + 4, bar.label),
            f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR}" fill="{bar.colour}"/>',
            f"<line {line}/>",
            draw_text(LEFT + most + 6, middle + 4, label),
        ]
    )


def draw_text(x: float, y: float, text: str, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:.0f}" y="{y:.0f}"{weight}>{escape(text)}</text>'
