"""What every bench says: on how large a machine it ran, and how one row compares with another."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import date
from statistics import median


def describe_machine() -> str:
    """When and on how large a machine; which one is nobody's business."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{date.today().isoformat()}, {os.cpu_count()} cores, {memory:.0f} GiB"


def divide_medians(ours: Sequence[float], theirs: Sequence[float]) -> float | None:
    """Of medians; None where one of them has nothing to show."""
    return median(ours) / median(theirs) if ours and theirs else None


def format_ratio(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """The same for a table."""
    found = divide_medians(ours, theirs)
    return "-" if found is None else f"{found:.2f}"
