"""What an attempt of a CLONE leaves for the next one, in the seed's state. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PREVIOUS_BEGIN, COPIED, POSITION = "previous begin", "copied", "position"
VERSION, BYTES, EMPTIED = "source version", "bytes", "emptied tables"


@dataclass(frozen=True, slots=True)
class CloneMemo:
    """`previous_begin`: when the newest CLONE before this seed's began ("" if there was none); None before the first.

    `is_copied`: the new directory holds all data. `position` is that of the complete seed, None before.
    `emptied_tables` are those that have lost their rows in a copy in place, which is removed for that.
    """

    previous_begin: str | None = None
    source_version: str = ""
    is_copied: bool = False
    position: str | None = None
    bytes_done: int = 0
    emptied_tables: str = ""

    def as_mapping(self) -> dict[str, str]:
        """Return the memo for the seed's state."""
        memo = {VERSION: self.source_version, BYTES: str(self.bytes_done)}
        if self.previous_begin is not None:
            memo[PREVIOUS_BEGIN] = self.previous_begin
        if self.is_copied:
            memo[COPIED] = "yes"
        if self.position is not None:
            memo[POSITION] = self.position
        if self.emptied_tables:
            memo[EMPTIED] = self.emptied_tables
        return memo


def parse_memo(memo: Mapping[str, str]) -> CloneMemo:
    """Build the memo from the seed's state."""
    return CloneMemo(
        previous_begin=memo.get(PREVIOUS_BEGIN),
        source_version=memo.get(VERSION, ""),
        is_copied=COPIED in memo,
        position=memo.get(POSITION),
        bytes_done=int(memo.get(BYTES, "0")),
        emptied_tables=memo.get(EMPTIED, ""),
    )
