"""Two real servers of each flavour for a whole run, reset before each test."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from guestagent.database.protocols import Database
from guestagent.database.steps import (
    CreateAccount,
    CreateMarker,
)
from guestagent.embedded.database_servers import Flavour
from tests.support.certificates import create_certificate
from tests.support.database_servers import DatabaseServer, open_server
from tests.support.family_statements import STATEMENTS, FamilyStatements
from tests.support.polling import wait_until
from tests.support.replication import (
    PASSWORD,
    REPLICATOR,
    start_replication,
)

LOGGING = ("general-log=1", "general-log-file=../general.log", "slow-query-log=1", "long-query-time=0")


@pytest.fixture(scope="session")
def family_statements(flavour: Flavour) -> FamilyStatements:
    return STATEMENTS[flavour.family]


@pytest.fixture(scope="session")
def source_server(
    flavour: Flavour, data_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DatabaseServer]:
    folder = tmp_path_factory.mktemp("source") / "s"
    options = ("server-id=1", *LOGGING, "slow-query-log-file=../slow.log")
    with open_server(folder, data_template, *options, flavour=flavour) as server:
        yield server


@pytest.fixture(scope="session")
def replica_server(
    flavour: Flavour, data_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DatabaseServer]:
    folder = tmp_path_factory.mktemp("replica") / "s"
    options = ("server-id=2", *LOGGING, "slow-query-log-file=../slow.log", "slave-net-timeout=5")
    with open_server(folder, data_template, *options, flavour=flavour) as server:
        yield server


@pytest.fixture
def server(source_server: DatabaseServer) -> DatabaseServer:
    return source_server.reset()


@pytest.fixture
def database(server: DatabaseServer) -> Iterator[Database]:
    with closing(server.open()) as database:
        yield database


@pytest.fixture
def source(database: Database, server: DatabaseServer) -> DatabaseServer:
    """A source with its replication account."""
    database.apply(CreateMarker())
    database.apply(CreateAccount(REPLICATOR, PASSWORD))
    return server


@pytest.fixture
def replica(replica_server: DatabaseServer) -> Iterator[Database]:
    with closing(replica_server.reset().open()) as database:
        yield database
    replica_server.reset()


@pytest.fixture
def replica_without_relay_logs(
    source: DatabaseServer, data_template: Path, tmp_path: Path
) -> Iterator[DatabaseServer]:
    """A replica that was killed, without its relay logs."""
    options = ("server-id=4", "relay-log=relay")
    with open_server(tmp_path / "torn", data_template, *options, flavour=source.flavour) as server:
        with closing(server.open()) as replica, closing(source.open()) as at_source:
            start_replication(replica, source)
            # A MariaDB 10.11 that is killed while it applies an account may have logged it without recording it.
            wait_until(lambda: replica.observe().history.contains(at_source.observe().history))
        server.stop(signal.SIGKILL)
        for relay_log in (server.folder / "data").glob("relay.0*"):
            relay_log.unlink()
        server.start()
        yield server


@pytest.fixture
def tls_source(flavour: Flavour, data_template: Path, tmp_path: Path) -> Iterator[tuple[DatabaseServer, str]]:
    """A source with a certificate for its address, whose account must use TLS; and the CA's file."""
    ca, key = create_certificate(tmp_path, "server")
    options = ("server-id=8", f"ssl-ca={ca}", f"ssl-cert={ca}", f"ssl-key={key}")
    with open_server(tmp_path / "certified", data_template, *options, flavour=flavour) as server:
        with closing(server.open()) as database:
            database.apply(CreateMarker())
            database.apply(CreateAccount(REPLICATOR, PASSWORD, require_tls=True))
        yield server, ca
