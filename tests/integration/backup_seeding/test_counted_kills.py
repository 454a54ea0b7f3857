"""A worker that is killed before any of its changes on the disk: the next one ends the seed, and says how."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from guestagent.embedded.database_servers import Flavour
from guestagent.seeding import SeedMethod
from tests.support.certificates import CertificateAuthority
from tests.support.counted_kills import SERIES, check_series
from tests.support.database_servers import open_server
from tests.support.donor_process import DonorProcess
from tests.support.seed_sources import admit_replica, fill_source, read_checksums
from tests.support.seeded_replica import SeededReplica, open_replica

pytestmark = [pytest.mark.patient, pytest.mark.timeout(900)]

SMALL_MIB = 2


@pytest.fixture(scope="module")
def small_donor(
    flavour: Flavour,
    data_template: Path,
    authority: CertificateAuthority,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[DonorProcess]:
    """A donor whose source is small, for many seeds."""
    folder = tmp_path_factory.mktemp("small")
    options = ("server-id=1", "innodb-log-file-size=8M", *authority.valid.options)
    with open_server(folder, data_template, *options, flavour=flavour) as source:
        fill_source(source, SMALL_MIB)
        admit_replica(source, SeedMethod.BACKUP)
        (folder / "donor").mkdir()
        donor = DonorProcess(source, folder / "donor", authority.valid)
        donor.configure("Replica0001")
        donor.start()
        try:
            yield donor
        finally:
            donor.kill()


@pytest.mark.parametrize("series", range(1, SERIES + 1))
def test_a_kill_before_any_change_costs_nothing(
    small_donor: DonorProcess, data_template: Path, flavour: Flavour, tmp_path: Path, series: int
) -> None:
    endpoint = small_donor.build_endpoint()

    def open_next(folder: Path) -> AbstractContextManager[SeededReplica]:
        return open_replica(folder, data_template, flavour, SeedMethod.BACKUP, endpoint)

    assert check_series(series, tmp_path, open_next, read_checksums(small_donor.source)) > 20
