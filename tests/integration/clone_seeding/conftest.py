"""A full MySQL source whose logs are purged, and an empty replica, which boots read-only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from guestagent.embedded.database_servers import FLAVOURS, Flavour
from guestagent.seeding import SeedMethod
from tests.support.certificates import CertificateAuthority
from tests.support.database_servers import DatabaseServer, install_data_directory, open_server
from tests.support.seed_sources import SERVER_LOGS, admit_replica, build_endpoint, fill_source
from tests.support.seeded_replica import SeededReplica, open_replica

SOURCE_MIB = 64


@pytest.fixture(scope="session", params=[pytest.param(FLAVOURS["mysql97"], id="mysql97")])
def flavour(request: pytest.FixtureRequest) -> Flavour:
    parameter: Flavour = request.param
    return parameter


@pytest.fixture(scope="session")
def data_template(flavour: Flavour, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Here, because a fixture of the folder above would not notice that the flavour is another one."""
    return install_data_directory(tmp_path_factory.mktemp(flavour.name) / "template", flavour)


@pytest.fixture(scope="module")
def source(
    flavour: Flavour,
    data_template: Path,
    authority: CertificateAuthority,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[DatabaseServer]:
    folder = tmp_path_factory.mktemp("source") / "s"
    options = ("server-id=1", *SERVER_LOGS, *authority.valid.options)
    with open_server(folder, data_template, *options, flavour=flavour) as server:
        fill_source(server, SOURCE_MIB)
        admit_replica(server, SeedMethod.CLONE)
        yield server


@pytest.fixture
def replica(
    flavour: Flavour, data_template: Path, source: DatabaseServer, tmp_path: Path
) -> Iterator[SeededReplica]:
    endpoint = build_endpoint(source)
    with open_replica(tmp_path / "replica", data_template, flavour, SeedMethod.CLONE, endpoint) as replica:
        yield replica
