"""A server is reset between two tests."""

from __future__ import annotations

from contextlib import closing

from guestagent.database.protocols import Database
from tests.support.database_servers import DatabaseServer
from tests.support.replication import start_replication


def test_a_reset_source_lists_no_replica(source: DatabaseServer, replica: Database) -> None:
    start_replication(replica, source)

    with closing(source.reset().open()) as database:
        assert database.observe().replica_ids == ()
