"""A server that a test is given has nothing of the test before it."""

from __future__ import annotations

from contextlib import closing

from guestagent.database.edge import Database
from tests.integration.database.following import follow
from tests.integration.servers import Server


def test_an_emptied_source_lists_no_replica(source: Server, replica: Database) -> None:
    follow(replica, source)

    with closing(source.emptied().open()) as database:
        assert database.observe().followers == ()
