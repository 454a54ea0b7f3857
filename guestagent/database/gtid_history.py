"""The interface of a GTID history, which `mysql/gtid.py` and `mariadb/gtid.py` implement, and its display. Pure."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Protocol

DISPLAY_LIMIT = 300  # characters: two sets and the advice fit in a signal's reason

GTID_PATTERN = re.compile(r"(?::[0-9][^:,]*)|(?:(?:^|,)[0-9]+-[0-9]+-[0-9]+(?=,|$))")
"""An interval of MySQL, or a GTID of MariaDB."""


class GtidHistory(Protocol):
    """Everything that a server has executed, in the GTIDs of its family."""

    def contains(self, other: GtidHistory) -> bool:
        """Return whether all of `other` has been executed here too."""

    def format_difference(self, other: GtidHistory) -> str:
        """Return the GTIDs that are here and not in `other`, as the family writes them; "" if there are none."""

    @property
    def is_empty(self) -> bool: ...

    @property
    def family(self) -> str:
        """The product's name. Comparing histories of two families raises TypeError."""

    @classmethod
    def parse(cls, *sets: str | None) -> GtidHistory:
        """Return the union of texts from `format_difference` or from a server of this family. ValueError for others."""

    @property
    def newest_gtids(self) -> GtidHistory:
        """The newest transaction of each origin: a server that goes back in time loses these first."""

    @property
    def origins(self) -> frozenset[str]:
        """The servers that assigned the numbers: their UUIDs, or their server ids."""


def shorten_gtids(gtids: str) -> str:
    """Shorten a set or position for display: its beginning, and how many more there are. No number is cut."""
    if len(gtids) <= DISPLAY_LIMIT:
        return gtids
    ends = [match.end() for match in GTID_PATTERN.finditer(gtids)]
    shown_count = bisect_right(ends, DISPLAY_LIMIT)
    beginning = gtids[: ends[shown_count - 1]] if shown_count else ""
    unit = "intervals" if ":" in gtids else "GTIDs"
    return f"{beginning} and {len(ends) - shown_count} more {unit}"
