"""The filters of Neutron's lists, and the choice of fields. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from guestagent.embedded.http.errors import HTTPBadRequest

NO_FILTERS = frozenset({"fields", "sort_key", "sort_dir", "page_reverse"})
UNFILTERED_KEYS = frozenset({"security_group_rules", "created_at", "updated_at"})
Row = Mapping[str, Any]


def select_rows(rows: Sequence[Row], query: Sequence[tuple[str, str]], keys: frozenset[str]) -> list[Row]:
    """Return the rows that match every filter, with the fields that are asked for. `keys` are those of a row.

    Several values of one filter are alternatives.
    """
    filters: dict[str, list[str]] = {}
    for key, value in query:
        filters.setdefault(key, []).append(value)
    unknown = [key for key in filters if key not in NO_FILTERS and key not in keys - UNFILTERED_KEYS]
    if unknown:
        raise HTTPBadRequest(f"{unknown} is invalid attribute for filtering")
    fields = filters.get("fields")
    wanted = {key: values for key, values in filters.items() if key not in NO_FILTERS}
    found = [row for row in rows if all(_matches(row[key], values) for key, values in wanted.items())]
    return found if fields is None else [{key: row[key] for key in fields if key in row} for row in found]


def _matches(value: Any, wanted: Sequence[str]) -> bool:
    if isinstance(value, list):
        return any(_has_entry(value, each) for each in wanted)
    return str(value) in wanted


def _has_entry(entries: Sequence[Any], wanted: str) -> bool:
    """Whether a list has an entry. One of addresses is asked for as `ip_address=10.0.0.7`."""
    key, is_pair, value = wanted.partition("=")
    if is_pair:
        return any(isinstance(each, dict) and str(each.get(key)) == value for each in entries)
    return wanted in entries
