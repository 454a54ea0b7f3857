"""A worker that is killed before any of its changes on the disk: the next one ends the seed, and says how."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from guestagent.embedded.database_servers import Flavour
from guestagent.seeding import SeedMethod
from tests.support.certificates import CertificateAuthority
from tests.support.counted_kills import SERIES, check_series
from tests.support.database_servers import DatabaseServer, open_server
from tests.support.seed_sources import admit_replica, build_endpoint, fill_source, read_checksums
from tests.support.seeded_replica import SeededReplica, open_replica

pytestmark = [pytest.mark.patient, pytest.mark.timeout(900)]

SMALL_MIB = 2


@pytest.fixture(scope="module")
def small_source(
    flavour: Flavour,
    data_template: Path,
    authority: CertificateAuthority,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[DatabaseServer]:
    folder = tmp_path_factory.mktemp("small") / "s"
    with open_server(
        folder, data_template, "server-id=1", *authority.valid.options, flavour=flavour
    ) as source:
        fill_source(source, SMALL_MIB)
        admit_replica(source, SeedMethod.CLONE)
        yield source


def add_own_data(replica: SeededReplica) -> None:
    """Give the replica data that are replaced on purpose, and stay until the copy is there."""
    replica.server.execute(
        "SET GLOBAL super_read_only = 0", "CREATE SCHEMA mine", "SET GLOBAL super_read_only = 1"
    )
    replica.change_request(replaces_data=True)


@pytest.mark.parametrize("has_data", [False, True], ids=["empty", "own-data"])
@pytest.mark.parametrize("series", range(1, SERIES + 1))
def test_a_kill_before_any_change_costs_nothing(
    small_source: DatabaseServer,
    data_template: Path,
    flavour: Flavour,
    tmp_path: Path,
    series: int,
    has_data: bool,
) -> None:
    endpoint = build_endpoint(small_source)

    @contextmanager
    def open_next(folder: Path) -> Iterator[SeededReplica]:
        with open_replica(folder, data_template, flavour, SeedMethod.CLONE, endpoint) as replica:
            if has_data:
                add_own_data(replica)
            yield replica

    assert check_series(series, tmp_path, open_next, read_checksums(small_source)) > 8
