"""The size of the machine, and ratios between rows, for the reports of all benches."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import date
from statistics import median


def describe_machine() -> str:
    """Describe the time and the size of the machine, but not its name."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{date.today().isoformat()}, {os.cpu_count()} cores, {memory:.0f} GiB"


def divide_medians(numerators: Sequence[float], denominators: Sequence[float]) -> float | None:
    """Return the ratio of the medians; None if a row has no value."""
    return median(numerators) / median(denominators) if numerators and denominators else None


def format_ratio(numerators: Sequence[float], denominators: Sequence[float]) -> str:
    """Format the ratio of the medians for a table."""
    quotient = divide_medians(numerators, denominators)
    return "-" if quotient is None else f"{quotient:.2f}"
