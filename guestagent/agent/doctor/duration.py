"""A duration in the largest unit of which it has at least two. Pure."""

from __future__ import annotations

TIME_UNITS = (("d", 86400), ("h", 3600), ("min", 60))


def format_duration(seconds: float) -> str:
    """Return a duration as the doctor shows it: `3 min`."""
    for unit, length in TIME_UNITS:
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
