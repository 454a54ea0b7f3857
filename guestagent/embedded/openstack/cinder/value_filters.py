"""Filters of Cinder's list of volumes whose values are times, sizes or truths, and not texts. Pure."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone

from guestagent.embedded.openstack.cinder.errors import VolumeRefused

TRUE_WORDS = frozenset({"1", "t", "true", "on", "y", "yes"})
FALSE_WORDS = frozenset({"0", "f", "false", "off", "n", "no"})
COMPARISONS: Mapping[str, Callable[[datetime, datetime], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "eq": operator.eq,
    "neq": operator.ne,
    "lt": operator.lt,
    "lte": operator.le,
}


def matches_time(time: datetime, value: str) -> bool:
    """Return whether a time is as a filter wants it: `gt:2026-11-30T10:00:00`, or several of them, with commas."""
    known = time.astimezone(timezone.utc).replace(microsecond=0)
    comparisons = list(_read_comparisons(value))
    return all(compare(known, wanted) for compare, wanted in comparisons)


def matches_size(size_gib: int, value: str) -> bool:
    """Return whether a size is the one of a filter. What is no number is the size of no volume."""
    try:
        return float(value) == size_gib
    except ValueError:
        return False


def read_truth(key: str, value: str) -> bool:
    """Return the truth that a filter names. `key` is what Cinder calls it inside."""
    word = value.strip().lower()
    if word not in TRUE_WORDS | FALSE_WORDS:
        raise VolumeRefused(f"Value '{value}' for '{key}' is not a boolean.")
    return word in TRUE_WORDS


def _read_comparisons(value: str) -> Iterator[tuple[Callable[[datetime, datetime], bool], datetime]]:
    for part in value.split(","):
        word, _, text = part.partition(":")
        if word not in COMPARISONS:
            raise VolumeRefused(f"Invalid {word} operator")
        try:
            time = datetime.fromisoformat(text.replace("Z", "+00:00"))
        except ValueError as error:
            raise VolumeRefused(f"Invalid {text} value") from error
        yield COMPARISONS[word], time if time.tzinfo else time.replace(tzinfo=timezone.utc)
