"""The methods by which a replica gets its data."""

from __future__ import annotations

from enum import Enum


class SeedMethod(str, Enum):
    """A method. `REPLAY`: of the source's binary logs from their beginning; it needs no donor and no seed."""

    REPLAY = "replay"
    CLONE = "clone"
    BACKUP = "backup"
    DUMP = "dump"

    def __str__(self) -> str:
        return self.value
