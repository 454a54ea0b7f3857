"""Kills of a seed's worker before each of its changes on the disk, each on a new replica."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from guestagent.database.driver import Row
from guestagent.seeding import SeedPhase
from tests.support.seed_sources import read_checksums
from tests.support.seeded_replica import SeededReplica

SERIES = 4
"""A test kills before every fourth change, so that it takes a minute or two."""


def check_series(
    series: int,
    folder: Path,
    open_replica: Callable[[Path], AbstractContextManager[SeededReplica]],
    checksums: list[Row],
) -> int:
    """Seed a replica for each change of a series, and kill its first worker before that change.

    Return the number of the last kill: the next change of the series would be one more than there are.
    """
    for number in itertools.count(series, SERIES):
        with open_replica(folder / str(number)) as replica:
            is_killed = replica.kill_worker_before_change(number)
            cut_state = replica.state
            state = replica.seed()

            evidence = f"killed before change {number}: {state}\n{replica.log}"
            assert state.phase is SeedPhase.DONE, evidence
            assert read_checksums(replica.server) == checksums, evidence
            assert not list(replica.folder.rglob("guestagent-seed*")), evidence
            if cut_state is not None and not cut_state.phase.has_ended:
                assert f"going on with the seed that was cut while {cut_state.phase}" in replica.log
                assert state.resumed.partition(": ")[2], evidence  # what this start has found
        if not is_killed:
            return number - SERIES
    raise AssertionError("numbers never end")
