"""What the servers' logs and errors show of a password."""

from __future__ import annotations

import pytest

from guestagent.database.edge import Database
from guestagent.database.state import (
    Receiver,
)
from guestagent.database.steps import (
    SetPassword,
    SetServerId,
    StartChannel,
)
from guestagent.errors import DatabaseRefused
from guestagent.secret import Secret
from tests.integration.database.following import (
    REPLICATOR,
    channel_of,
    point,
    until,
)
from tests.integration.database.spoken import Spoken
from tests.integration.servers import Server

pytestmark = pytest.mark.every_server


class TestSecrets:
    def test_no_log_shows_a_password_in_clear(
        self, source: Server, database: Database, replica: Database, second: Server, spoken: Spoken
    ) -> None:
        secret = Secret("never-in-clear-1")
        database.apply(SetPassword(REPLICATOR, secret))
        replica.apply(point(source, secret))
        replica.apply(StartChannel())
        until(lambda: channel_of(replica).receiver is Receiver.RUNNING)

        logged = source.everything_logged() + second.everything_logged()

        assert b"slave0000" in logged
        assert spoken.start.encode() in logged
        assert secret.reveal().encode() not in logged

    def test_no_refusal_shows_a_password(self, source: Server, replica: Database, second: Server) -> None:
        secret = Secret("never-in-clear-2'\\" + "x" * 96)

        with pytest.raises(DatabaseRefused) as refused:
            replica.apply(point(source, secret))

        assert "never-in-clear-2" not in f"{refused.value} {refused.value!r}"
        assert refused.value.__cause__ is None
        assert b"never-in-clear-2" not in second.everything_logged()

    def test_logging_goes_on_after_a_channel_was_pointed(
        self, source: Server, replica: Database, second: Server, spoken: Spoken
    ) -> None:
        # Other tests of the shared server point its channel by hand.
        by_hand = second.everything_logged().count(b"_HOST = '127.0.0.1'")
        replica.apply(point(source))
        replica.apply(SetServerId(22))

        logged = second.everything_logged()

        assert logged.count(spoken.server_id.format(22).encode()) == 2
        assert logged.count(b"_HOST = '127.0.0.1'") == by_hand
