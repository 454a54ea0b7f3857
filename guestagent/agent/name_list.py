"""Lists in messages: the first few names, and how many more there are."""

from __future__ import annotations

from collections.abc import Sequence


def format_names(names: Sequence[object], limit: int, separator: str = ", ") -> str:
    """Format the first `limit` names, and the number of the others."""
    first_names = separator.join(map(str, names[:limit]))
    more = len(names) - limit
    return f"{first_names} and {more} more" if more > 0 else first_names
