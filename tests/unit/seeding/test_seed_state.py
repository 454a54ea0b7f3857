"""The line that people read about a seed."""

from __future__ import annotations

import pytest

from guestagent.byte_units import MIB
from guestagent.seeding import SeedMethod, SeedPhase, SeedState


@pytest.mark.parametrize(
    ("bytes_done", "bytes_total", "shown"),
    [
        (5 * MIB, 10 * MIB, "done, 5 of 10 MiB"),
        (11 * MIB, 10 * MIB, "done, 11 MiB"),
        (5 * MIB, 0, "done, 5 MiB"),
        (0, 10 * MIB, "done"),
    ],
)
def test_a_total_is_shown_unless_more_has_come(bytes_done: int, bytes_total: int, shown: str) -> None:
    state = SeedState(
        "a1",
        SeedMethod.BACKUP,
        "/var/lib/mysql/",
        SeedPhase.DONE,
        bytes_done=bytes_done,
        bytes_total=bytes_total,
    )

    assert state.describe() == f"seed by backup: {shown}"
