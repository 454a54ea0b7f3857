"""A full source whose logs are purged, and an empty replica: MariaDB of both series."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from guestagent.embedded.database_servers import FLAVOURS, Flavour
from guestagent.seeding import SeedMethod
from tests.support.certificates import CertificateAuthority
from tests.support.database_servers import DatabaseServer, install_data_directory, open_server
from tests.support.donor_process import DonorProcess
from tests.support.seed_sources import admit_replica, fill_source
from tests.support.seeded_replica import SeededReplica, open_replica

SOURCE_MIB = 64
MARIADB = [
    pytest.param(flavour, id=name) for name, flavour in FLAVOURS.items() if flavour.family == "mariadb"
]


@pytest.fixture(scope="session", params=MARIADB)
def flavour(request: pytest.FixtureRequest) -> Flavour:
    parameter: Flavour = request.param
    return parameter


@pytest.fixture(scope="session")
def data_template(flavour: Flavour, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Here, because a fixture of the folder above would not notice that the flavour is another one."""
    return install_data_directory(tmp_path_factory.mktemp(flavour.name) / "template", flavour)


@pytest.fixture(scope="session")
def source(
    flavour: Flavour,
    data_template: Path,
    authority: CertificateAuthority,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[DatabaseServer]:
    """A source of SOURCE_MIB, without its first binary log."""
    folder = tmp_path_factory.mktemp("source")
    options = ("server-id=1", *authority.valid.options)
    with open_server(folder, data_template, *options, flavour=flavour) as server:
        fill_source(server, SOURCE_MIB)
        admit_replica(server, SeedMethod.BACKUP)
        yield server


@pytest.fixture
def donor(source: DatabaseServer, authority: CertificateAuthority, tmp_path: Path) -> Iterator[DonorProcess]:
    """A donor that admits Replica0001 and Replica0002."""
    folder = tmp_path / "donor"
    folder.mkdir()
    donor = DonorProcess(source, folder, authority.valid)
    donor.configure("Replica0001", "Replica0002")
    donor.start()
    try:
        yield donor
    finally:
        donor.kill()


@pytest.fixture
def replica(
    tmp_path: Path, data_template: Path, flavour: Flavour, donor: DonorProcess
) -> Iterator[SeededReplica]:
    """An empty replica, with the request for its seed."""
    endpoint = donor.build_endpoint()
    with open_replica(tmp_path / "replica", data_template, flavour, SeedMethod.BACKUP, endpoint) as replica:
        yield replica
