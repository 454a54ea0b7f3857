"""Steps that change a server itself: its id and its write access."""

from __future__ import annotations

from contextlib import closing

import pytest

from guestagent.database.login import connect_socket
from guestagent.database.protocols import Database
from guestagent.database.sql_statement import sql
from guestagent.database.steps import CreateMarker, SetReadOnly, SetServerId, StopChannel
from guestagent.errors import DatabaseRefused
from tests.support.database_servers import DatabaseServer
from tests.support.replication import build_point_channel, format_gtid

pytestmark = pytest.mark.every_server


class TestServer:
    def test_read_only_is_set_and_lifted(self, database: Database) -> None:
        database.apply(SetReadOnly(True))
        on = database.observe().read_only
        database.apply(SetReadOnly(False))

        assert on
        assert not database.observe().read_only

    def test_waiting_for_a_lock_of_another_session_has_a_limit(self, server: DatabaseServer) -> None:
        server.execute("CREATE DATABASE d", "CREATE TABLE d.t (a INT)")
        with (
            closing(connect_socket(server.socket, "root", 5)) as other,
            closing(server.open(timeout=2)) as database,
        ):
            other.fetch_rows(sql("LOCK TABLES d.t WRITE"), "locking")

            with pytest.raises(DatabaseRefused, match="1205"):
                database.apply(SetReadOnly(True))

            assert not database.observe().read_only

    def test_a_server_id_takes_effect_with_the_next_statement(
        self, server: DatabaseServer, database: Database
    ) -> None:
        database.apply(SetServerId(4_000_000_000))
        database.apply(CreateMarker())

        state = database.observe()

        assert state.server_id == 4_000_000_000
        assert str(state.history) == format_gtid(server, state, 1)

    def test_steps_on_a_replica_write_nothing_to_its_log(
        self, source: DatabaseServer, replica: Database, replica_server: DatabaseServer
    ) -> None:
        before = replica_server.read_position()

        for step in (SetReadOnly(True), SetServerId(7), build_point_channel(source), StopChannel()):
            replica.apply(step)

        assert replica_server.read_position() == before
        assert replica.observe().history.is_empty
