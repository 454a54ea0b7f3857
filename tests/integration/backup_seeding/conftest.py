"""A full source whose logs are purged, and an empty replica: MariaDB of both series."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from guestagent.embedded.database_servers import FLAVOURS, Flavour
from tests.support.certificates import CertificateAuthority
from tests.support.database_servers import DatabaseServer, install_data_directory, open_server
from tests.support.seed_nodes import (
    DonorProcess,
    SeededReplica,
    build_request,
    fill_source,
)

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
    return install_data_directory(tmp_path_factory.mktemp(flavour.name) / "template", flavour)


@pytest.fixture(scope="session")
def source(
    flavour: Flavour, data_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DatabaseServer]:
    """A source of SOURCE_MIB, without its first binary log."""
    folder = tmp_path_factory.mktemp("source")
    with open_server(folder, data_template, "server-id=1", flavour=flavour) as server:
        fill_source(server, SOURCE_MIB)
        server.execute("FLUSH BINARY LOGS", "PURGE BINARY LOGS BEFORE NOW() + INTERVAL 1 DAY")
        server.execute(
            "CREATE USER copier@'%' IDENTIFIED BY 'channel word'",
            "GRANT REPLICATION SLAVE ON *.* TO copier@'%'",
        )
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


@contextmanager
def open_replica(
    folder: Path, data_template: Path, flavour: Flavour, server_id: int
) -> Iterator[SeededReplica]:
    with open_server(
        folder, data_template, f"server-id={server_id}", "read-only=ON", "event-scheduler=ON", flavour=flavour
    ) as server:
        state_folder = folder / "state"
        state_folder.mkdir()
        replica = SeededReplica(server, state_folder)
        replica.start_server()
        try:
            yield replica
        finally:
            replica.stop()
            shutil.rmtree(folder / "data", ignore_errors=True)


@pytest.fixture
def replica(
    tmp_path: Path, data_template: Path, flavour: Flavour, donor: DonorProcess
) -> Iterator[SeededReplica]:
    """An empty replica, with the request for its seed."""
    with open_replica(tmp_path / "replica", data_template, flavour, 2) as replica:
        replica.files.write_request(build_request(donor, replica))
        yield replica
