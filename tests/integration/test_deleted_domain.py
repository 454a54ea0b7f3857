"""A GTID domain that somebody deletes from a MariaDB source, as its manual describes, and the way out on a replica."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pymysql
import pytest

from guestagent.embedded.database_servers import Flavour
from tests.failures.server_pair import Pair, open_pair
from tests.support.database_servers import DatabaseServer
from tests.support.diverged_replica import accept_source, read_reason
from tests.support.polling import wait_until
from tests.support.subnets import open_subnet


@pytest.fixture
def pair(flavour: Flavour, empty: Path, tmp_path: Path) -> Iterator[Pair]:
    if flavour.family != "mariadb":
        pytest.skip("MySQL has no GTID domains")
    with open_subnet() as subnet, open_pair(tmp_path, empty, flavour, subnet) as pair:
        yield pair.prepare()


def delete_domain(server: DatabaseServer) -> None:
    """Purge the logs that contain domain 3, and delete it."""

    def is_deleted() -> bool:
        server.execute("FLUSH BINARY LOGS")
        server.execute(f"PURGE BINARY LOGS TO '{server.read_position()[0]}'")
        try:
            server.execute("FLUSH BINARY LOGS DELETE_DOMAIN_ID = (3)")
        except pymysql.MySQLError:
            time.sleep(0.2)  # a session still sends an older log
            return False
        return True

    wait_until(is_deleted)


@pytest.mark.patient
def test_a_replica_that_forgets_the_domain_too_may_follow_an_accepted_source(pair: Pair) -> None:
    source, replica = pair.source.server, pair.replica.server
    source.execute("SET SESSION gtid_domain_id = 3", "INSERT INTO d.t VALUES (30, 'x')")
    assert pair.apply_on_replica().is_ready
    replica.execute("STOP SLAVE")
    delete_domain(source)

    assert "errant transactions 3-71-1" in read_reason(pair)
    assert accept_source(pair, "--yes")[0] == 1
    delete_domain(replica)
    position = str(replica.query_value("@@gtid_slave_pos"))
    rest = ",".join(gtid for gtid in position.split(",") if not gtid.startswith("3-"))
    replica.execute(f"SET GLOBAL gtid_slave_pos = '{rest}'")
    assert "errant transactions 3-71-1" in read_reason(pair)
    assert accept_source(pair, "--yes")[0] == 0

    pair.insert_rows(8)
    assert pair.apply_on_replica().is_ready
    pair.compare_rows()
