"""A source with all kinds of objects and without its first logs, and an empty replica, which boots read-only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from guestagent.embedded.database_servers import Flavour
from guestagent.seeding import SeedMethod
from tests.support.certificates import CertificateAuthority
from tests.support.database_servers import DatabaseServer, open_server
from tests.support.dump_objects import create_objects
from tests.support.seed_sources import SERVER_LOGS, admit_replica, build_endpoint, fill_source
from tests.support.seeded_replica import SeededReplica, open_replica

SOURCE_MIB = 24


@pytest.fixture(scope="module")
def source(
    flavour: Flavour,
    data_template: Path,
    authority: CertificateAuthority,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[DatabaseServer]:
    folder = tmp_path_factory.mktemp("source") / "s"
    options = ("server-id=1", "event-scheduler=OFF", *SERVER_LOGS, *authority.valid.options)
    with open_server(folder, data_template, *options, flavour=flavour) as server:
        fill_source(server, SOURCE_MIB)
        create_objects(server)
        admit_replica(server, SeedMethod.DUMP)
        yield server


@pytest.fixture
def replica(
    flavour: Flavour, data_template: Path, source: DatabaseServer, tmp_path: Path
) -> Iterator[SeededReplica]:
    endpoint = build_endpoint(source)
    with open_replica(tmp_path / "replica", data_template, flavour, SeedMethod.DUMP, endpoint) as replica:
        yield replica
