"""Lists in messages: the first few names, and how many more there are."""

from __future__ import annotations

from collections.abc import Sequence


def format_names(names: Sequence[object], limit: int, separator: str = ", ") -> str:
    """Return the first `limit` names, and count the others."""
    listed = separator.join(map(str, names[:limit]))
    more = len(names) - limit
    return f"{listed} and {more} more" if more > 0 else listed
