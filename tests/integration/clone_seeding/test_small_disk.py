"""A disk that is too small for the source's data: CLONE compares both before it copies a byte."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from guestagent.embedded.database_servers import Flavour
from guestagent.seeding import SeedMethod, SeedPhase
from tests.support.database_servers import DatabaseServer
from tests.support.seed_sources import build_endpoint
from tests.support.seeded_replica import SeededReplica, open_replica
from tests.support.small_disk import mount_small_disk

DISK_MIB, FREE_MIB = 400, 48
"""Less than the 64 MiB of the source's rows."""


FIND_OLD_SCHEMA = "(SELECT schema_name FROM information_schema.schemata WHERE schema_name = 'mine')"


@pytest.fixture
def crowded_replica(
    flavour: Flavour, data_template: Path, source: DatabaseServer, tmp_path: Path
) -> Iterator[SeededReplica]:
    """A replica with data of its own, which are given up, on a disk with little room."""
    with mount_small_disk(tmp_path / "disk", DISK_MIB) as disk:
        folder = disk / "replica"
        with open_replica(
            folder, data_template, flavour, SeedMethod.CLONE, build_endpoint(source)
        ) as replica:
            replica.server.execute(
                "SET GLOBAL super_read_only = 0", "CREATE SCHEMA mine", "SET GLOBAL super_read_only = 1"
            )
            replica.change_request(replaces_data=True)
            leave_room(disk)
            yield replica


def leave_room(disk: Path) -> None:
    """Take all of the disk but a little."""
    taken_bytes = shutil.disk_usage(disk).free - (FREE_MIB << 20)
    with (disk / "ballast").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, taken_bytes)


def test_a_disk_that_is_too_small_for_the_sources_real_size_keeps_the_old_data(
    crowded_replica: SeededReplica,
) -> None:
    state = crowded_replica.seed()

    assert state.phase is SeedPhase.FAILED
    assert "the disk is full" in state.failure
    assert crowded_replica.server.query_value(FIND_OLD_SCHEMA) == "mine"
    assert list(crowded_replica.folder.glob("guestagent-seed*/*/*.ibd")) == []
