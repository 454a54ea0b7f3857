"""GTID sets that are longer than the values in SHOW VARIABLES, on real servers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from guestagent.database.gtid_history import GtidHistory
from guestagent.database.mariadb.gtid import MariadbHistory
from guestagent.database.mysql.gtid import MysqlHistory
from guestagent.database.protocols import Database
from guestagent.database.source_probe import TcpSourceProbe
from guestagent.database.steps import StartChannel
from tests.support.database_servers import DatabaseServer
from tests.support.polling import wait_until
from tests.support.replication import PASSWORD, REPLICATOR, build_point_channel

CUT = {"mysql": 1024, "mariadb": 4096}
"""The length to which SHOW VARIABLES cuts a value, in characters."""

SERVERS = 60
DOMAINS = 300


def list_gtids(family: str) -> list[str]:
    """Return one GTID or set for each of many servers or domains, together longer than CUT."""
    if family == "mysql":
        return [f"{1 + n:08x}-71ca-11e1-9e33-c80aa9429562:1-5" for n in range(SERVERS)]
    return [f"{1 + n}-{4_000_000_000 + n}-{10_000_000_000 + n}" for n in range(DOMAINS)]


ERRANT = {"mysql": "ffffffff-71ca-11e1-9e33-c80aa9429562:7", "mariadb": "999999-77-7"}


def execute_on_source(server: DatabaseServer, gtids: list[str]) -> None:
    """Add these transactions to the server's history, like a source that sends them to its replicas."""
    if server.flavour.family == "mysql":
        server.execute(f"SET GLOBAL gtid_purged = '+{','.join(gtids)}'")
        return
    statements = []
    for gtid in gtids:
        domain, server_id, number = gtid.split("-")
        numbers = f"gtid_domain_id = {domain}, server_id = {server_id}, gtid_seq_no = {number}"
        statements += [f"SET SESSION {numbers}", "INSERT INTO shop.orders VALUES (1)"]
    server.execute("CREATE DATABASE shop", "CREATE TABLE shop.orders (id INT)", *statements)


def receive_on_replica(server: DatabaseServer, gtids: list[str]) -> None:
    """Add these transactions to the server's history, like a replica from a copy of its source."""
    if server.flavour.family == "mysql":
        server.execute(f"SET GLOBAL gtid_purged = '+{','.join(gtids)}'")
    else:
        server.execute(f"SET GLOBAL gtid_slave_pos = '{','.join(gtids)}'")


def read_source_history(server: DatabaseServer) -> GtidHistory:
    state = TcpSourceProbe(10.0).probe("127.0.0.1", server.port, REPLICATOR.name, PASSWORD)
    assert state.history is not None, state.error
    return state.history


@pytest.fixture
def gtids(source: DatabaseServer, replica_server: DatabaseServer, replica: Database) -> list[str]:
    """The GTIDs of both servers."""
    both = list_gtids(source.flavour.family)
    execute_on_source(source, both)
    receive_on_replica(replica_server, both)
    return both


class TestLongSets:
    def test_a_long_set_is_read_completely(
        self, source: DatabaseServer, replica: Database, gtids: list[str]
    ) -> None:
        history = replica.observe().history

        assert len(str(history)) > CUT[source.flavour.family]
        assert all(gtid in str(history) for gtid in gtids)

    def test_equal_sets_have_no_errant_transaction(
        self, source: DatabaseServer, replica: Database, gtids: list[str]
    ) -> None:
        assert replica.observe().history.format_difference(read_source_history(source)) == ""

    def test_an_errant_transaction_at_the_end_of_a_long_set_is_found(
        self, source: DatabaseServer, replica_server: DatabaseServer, replica: Database, gtids: list[str]
    ) -> None:
        errant = ERRANT[source.flavour.family]
        receive_on_replica(replica_server, [errant] if source.flavour.family == "mysql" else [*gtids, errant])

        assert replica.observe().history.format_difference(read_source_history(source)) == errant

    def test_a_replica_catches_up_with_a_long_set(
        self, source: DatabaseServer, replica: Database, gtids: list[str]
    ) -> None:
        replica.apply(build_point_channel(source))
        replica.apply(StartChannel())
        history = read_source_history(source)

        def has_caught_up() -> bool:
            replica.wait_for_history(history, 0.2)
            return replica.observe().history.contains(history)

        wait_until(has_caught_up)
        assert replica.observe().history.format_difference(read_source_history(source)) == ""


@pytest.fixture
def replica_with_small_packets(replica_server: DatabaseServer, replica: Database) -> Iterator[Database]:
    """A replica that rejects long statements."""
    replica_server.execute("SET GLOBAL max_allowed_packet = 1024")
    with closing(replica_server.open()) as database:
        yield database
    replica_server.execute("SET GLOBAL max_allowed_packet = DEFAULT")


def test_waiting_for_a_long_set_keeps_the_session(
    replica_with_small_packets: Database, replica_server: DatabaseServer
) -> None:
    history: GtidHistory
    if replica_server.flavour.family == "mysql":
        intervals = ":".join(f"{10**17 + 3 * n}-{10**17 + 3 * n + 1}" for n in range(2000))
        history = MysqlHistory.parse(f"ffffffff-71ca-11e1-9e33-c80aa9429562:{intervals}")
    else:
        history = MariadbHistory.parse(",".join(f"{10**9 + n}-1-{10**17 + n}" for n in range(2000)))

    replica_with_small_packets.wait_for_history(history, 0.1)

    assert replica_with_small_packets.observe().history.is_empty
