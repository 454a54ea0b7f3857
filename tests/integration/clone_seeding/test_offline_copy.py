"""Nobody but administrators can log in to a copy before it is known to be whole."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pymysql
import pytest

from guestagent.seeding import SeedPhase
from tests.support.database_servers import DatabaseServer
from tests.support.seeded_replica import SeededReplica

CONNECT_TIMEOUT_S = 20
READER, READER_PASSWORD = "reader", "reader word"


@pytest.fixture
def readable_source(source: DatabaseServer) -> Iterator[DatabaseServer]:
    """A source with an account of an application, which comes along with a copy."""
    source.execute(
        f"CREATE USER {READER}@'%' IDENTIFIED BY '{READER_PASSWORD}'", f"GRANT SELECT ON *.* TO {READER}@'%'"
    )
    yield source
    source.execute(f"DROP USER {READER}@'%'")


def can_read(server: DatabaseServer) -> bool:
    """Return whether the application can log in."""
    try:
        pymysql.connect(
            host="127.0.0.1",
            port=server.port,
            user=READER,
            password=READER_PASSWORD,
            connect_timeout=CONNECT_TIMEOUT_S,
            ssl={"check_hostname": False},
        ).close()
    except pymysql.MySQLError:
        return False
    return True


@contextmanager
def watch_logins(server: DatabaseServer) -> Iterator[list[bool]]:
    """Try to log in during the block, over and over. The list has an entry for each login that succeeds."""
    logins: list[bool] = []
    is_ended = threading.Event()

    def watch() -> None:
        while not is_ended.wait(0.01):
            if can_read(server):
                logins.append(True)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield logins
    finally:
        is_ended.set()
        thread.join()


@pytest.mark.parametrize(
    "keeps_old_data", [False, pytest.param(True, marks=pytest.mark.patient)], ids=["in place", "beside"]
)
def test_nobody_reads_a_copy_that_lacks_rows(
    readable_source: DatabaseServer, replica: SeededReplica, keeps_old_data: bool
) -> None:
    # The source's agent has not seen this table.
    readable_source.execute("CREATE TABLE shop.old (id INT) ENGINE = MyISAM")
    replica.change_request(replaces_data=keeps_old_data)

    with watch_logins(replica.server) as logins:
        state = replica.seed()
    readable_source.execute("DROP TABLE shop.old")

    assert state.phase is SeedPhase.FAILED
    assert "left these tables empty: shop.old" in state.failure
    assert logins == []
    assert replica.server.query_value("@@offline_mode") == "0"


@pytest.mark.patient
@pytest.mark.parametrize("keeps_old_data", [False, True], ids=["in place", "beside"])
def test_a_whole_copy_is_read_also_after_a_restart(
    readable_source: DatabaseServer, replica: SeededReplica, keeps_old_data: bool
) -> None:
    replica.change_request(replaces_data=keeps_old_data)

    state = replica.seed()
    reads = [can_read(replica.server)]
    replica.stop_server()
    replica.start_server()
    reads.append(can_read(replica.server))

    assert state.phase is SeedPhase.DONE, (state, replica.log)
    assert reads == [True, True]
