"""One real server of each flavour for the stores of a whole run, and a new database for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from guestagent.embedded.database_servers import Flavour
from tests.support.certificates import CertificateAuthority
from tests.support.database_servers import DatabaseServer, open_server
from tests.support.store_servers import StoreDatabase, create_store_account, create_store_database

UNSYNCED = ("innodb-flush-log-at-trx-commit=0", "sync-binlog=0")
"""No test here kills the machine, and the disk is the slowest part of it."""


@pytest.fixture(scope="session")
def store_server(
    flavour: Flavour,
    data_template: Path,
    authority: CertificateAuthority,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[DatabaseServer]:
    folder = tmp_path_factory.mktemp("store") / "s"
    options = ("server-id=1", *authority.valid.options, *UNSYNCED)
    with open_server(folder, data_template, *options, flavour=flavour) as server:
        create_store_account(server)
        yield server


@pytest.fixture(scope="session")
def kept_database(store_server: DatabaseServer) -> StoreDatabase:
    return create_store_database(store_server)


@pytest.fixture
def emptied_database(kept_database: StoreDatabase) -> StoreDatabase:
    """A database whose tables have no rows: they take longer to make than most tests."""
    return kept_database.empty()


@pytest.fixture
def store_database(store_server: DatabaseServer) -> Iterator[StoreDatabase]:
    database = create_store_database(store_server)
    yield database
    store_server.execute(f"DROP DATABASE {database.name}")
