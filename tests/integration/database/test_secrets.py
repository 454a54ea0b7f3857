"""Passwords in the servers' logs and errors: none is shown."""

from __future__ import annotations

import pytest

from guestagent.database.protocols import Database
from guestagent.database.state import (
    ReceiverState,
)
from guestagent.database.steps import (
    SetPassword,
    SetServerId,
    StartChannel,
)
from guestagent.errors import DatabaseRefused
from guestagent.secret import Secret
from tests.support.database_servers import DatabaseServer
from tests.support.family_statements import FamilyStatements
from tests.support.polling import wait_until
from tests.support.replication import (
    REPLICATOR,
    build_point_channel,
    read_channel,
)

pytestmark = pytest.mark.every_server


class TestSecrets:
    def test_no_log_shows_a_password_in_clear(
        self,
        source: DatabaseServer,
        database: Database,
        replica: Database,
        replica_server: DatabaseServer,
        family_statements: FamilyStatements,
    ) -> None:
        secret = Secret("never-in-clear-1")
        database.apply(SetPassword(REPLICATOR, secret))
        replica.apply(build_point_channel(source, secret))
        replica.apply(StartChannel())
        wait_until(lambda: read_channel(replica).receiver is ReceiverState.RUNNING)

        logged = source.read_all_logs() + replica_server.read_all_logs()

        assert b"slave0000" in logged
        assert family_statements.start.encode() in logged
        assert secret.reveal().encode() not in logged

    def test_no_error_shows_a_password(
        self, source: DatabaseServer, replica: Database, replica_server: DatabaseServer
    ) -> None:
        secret = Secret("never-in-clear-2'\\" + "x" * 96)

        with pytest.raises(DatabaseRefused) as refused:
            replica.apply(build_point_channel(source, secret))

        assert "never-in-clear-2" not in f"{refused.value} {refused.value!r}"
        assert refused.value.__cause__ is None
        assert b"never-in-clear-2" not in replica_server.read_all_logs()

    def test_logging_continues_after_a_channel_was_pointed(
        self,
        source: DatabaseServer,
        replica: Database,
        replica_server: DatabaseServer,
        family_statements: FamilyStatements,
    ) -> None:
        # Other tests point the channel of the shared server manually.
        by_hand = replica_server.read_all_logs().count(b"_HOST = '127.0.0.1'")
        replica.apply(build_point_channel(source))
        replica.apply(SetServerId(22))

        logged = replica_server.read_all_logs()

        assert logged.count(family_statements.server_id.format(22).encode()) == 2
        assert logged.count(b"_HOST = '127.0.0.1'") == by_hand
