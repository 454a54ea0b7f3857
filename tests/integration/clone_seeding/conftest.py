"""A full MySQL source whose logs are purged, and an empty replica, which boots read-only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from guestagent.embedded.database_servers import FLAVOURS, Flavour, copy_data_directory
from tests.support.certificates import CertificateAuthority
from tests.support.clone_nodes import CloneReplica, fill_clone_source
from tests.support.database_servers import DatabaseServer, find_free_port, install_data_directory, open_server

SOURCE_MIB = 64
LOGS = (
    "general-log=1",
    "general-log-file=../general.log",
    "slow-query-log=1",
    "slow-query-log-file=../slow.log",
)


@pytest.fixture(scope="session", params=[pytest.param(FLAVOURS["mysql97"], id="mysql97")])
def flavour(request: pytest.FixtureRequest) -> Flavour:
    parameter: Flavour = request.param
    return parameter


@pytest.fixture(scope="session")
def data_template(flavour: Flavour, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install_data_directory(tmp_path_factory.mktemp(flavour.name) / "template", flavour)


@pytest.fixture(scope="module")
def source(
    flavour: Flavour,
    data_template: Path,
    authority: CertificateAuthority,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[DatabaseServer]:
    folder = tmp_path_factory.mktemp("source") / "s"
    options = ("server-id=1", *LOGS, "long-query-time=0", *authority.valid.options)
    with open_server(folder, data_template, *options, flavour=flavour) as server:
        fill_clone_source(server, SOURCE_MIB)
        yield server


@pytest.fixture
def replica(
    flavour: Flavour, data_template: Path, source: DatabaseServer, tmp_path: Path
) -> Iterator[CloneReplica]:
    """An empty replica, as an image boots it."""
    folder = tmp_path / "replica"
    folder.mkdir()
    copy_data_directory(data_template, folder / "data")
    options = ("server-id=2", "super-read-only=1", "skip-replica-start", *LOGS, "long-query-time=0")
    replica = CloneReplica(DatabaseServer(folder, find_free_port(), options, flavour), source)
    replica.start_server()
    try:
        yield replica
    finally:
        replica.close()
