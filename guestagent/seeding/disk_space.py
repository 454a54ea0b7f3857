"""Whether the new data fit on the disk. Pure."""

from __future__ import annotations

import errno
from enum import Enum

from guestagent.byte_units import MIB
from guestagent.errors import SeedError, StorageError

MARGIN_BYTES = 128 * MIB
"""For the changes of the time of the copy, and for what the server writes until its first purge."""
MARGIN_SHARE = 0.05


FULL_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT})


class DiskPlan(str, Enum):
    """Whether the old data can stay until the new ones are there."""

    KEEP_OLD = "keep the old data"
    DISCARD_FIRST = "discard the old data first"

    def __str__(self) -> str:
        return self.value


def compute_need(data_bytes: int) -> int:
    """Compute the bytes that a seed of so many bytes needs. The source's redo log is among the data."""
    return data_bytes + max(MARGIN_BYTES, int(data_bytes * MARGIN_SHARE))


def is_full_disk(error: StorageError) -> bool:
    """Return whether a file could not be written because there was no room: there may be some again."""
    cause = error.__cause__
    return isinstance(cause, OSError) and cause.errno in FULL_ERRNOS


def plan_disk(
    data_bytes: int, free_bytes: int, old_bytes: int, place: str, *, discards_data: bool
) -> DiskPlan:
    """Decide whether the new data fit beside the old ones, or instead of them. Raise SeedError if they do not."""
    need = compute_need(data_bytes)
    if need <= free_bytes:
        return DiskPlan.KEEP_OLD
    if discards_data and need <= free_bytes + old_bytes:
        return DiskPlan.DISCARD_FIRST
    advice = f"use a larger disk, or free {(need - free_bytes) / MIB:.0f} MiB"
    if not discards_data and need <= free_bytes + old_bytes:
        advice += ", or discard the old data first"
    raise SeedError(
        f"the source's data are {data_bytes / MIB:.0f} MiB and need {need / MIB:.0f} MiB on the disk of {place}, "
        f"where {free_bytes / MIB:.0f} MiB are free",
        advice,
    )
