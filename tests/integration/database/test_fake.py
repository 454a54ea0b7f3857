"""The fake compared with a real server: both must behave alike."""

from __future__ import annotations

from dataclasses import replace

import pytest

from guestagent.database.fake import FRESH_SERVER, FakeDatabase
from guestagent.database.protocols import Database
from guestagent.database.state import (
    Account,
    ServerState,
)
from guestagent.database.steps import (
    CreateAccount,
    CreateMarker,
    DropAccount,
    PointChannel,
    SetPassword,
    SetPrivileges,
    SetReadOnly,
    SetServerId,
    StartChannel,
    Step,
    StopChannel,
)
from guestagent.errors import DatabaseRefused
from guestagent.secret import Secret
from tests.support.database_servers import DatabaseServer
from tests.support.family_statements import limit_to_family
from tests.support.replication import (
    PASSWORD,
    REPLICATOR,
)

# The fake is a MariaDB.
pytestmark = [limit_to_family("mariadb"), pytest.mark.every_server]


class TestFake:
    """Steps on the fake and on a real server, with the same results."""

    STEPS = (
        SetServerId(7),
        CreateMarker(),
        CreateMarker(),
        CreateAccount(REPLICATOR, PASSWORD),
        CreateAccount(REPLICATOR, PASSWORD),
        SetPassword(REPLICATOR, Secret("new"), require_tls=True),
        SetPassword(REPLICATOR, Secret("newer")),
        SetPrivileges(REPLICATOR),
        SetPrivileges(Account("nobody", "%")),
        SetReadOnly(True),
        StartChannel(),
        StopChannel(),
        PointChannel("127.0.0.1", 1, "slave0000", PASSWORD),
        PointChannel("127.0.0.1", 2, "slave0000", PASSWORD),
        StopChannel(),
        SetReadOnly(False),
        DropAccount(REPLICATOR),
        DropAccount(REPLICATOR),
    )

    def test_the_fake_behaves_like_a_real_server(self, server: DatabaseServer, database: Database) -> None:
        fake = FakeDatabase(replace(FRESH_SERVER, server_id=1, read_only=False))

        for step in self.STEPS:
            assert apply_step(fake, step) == apply_step(database, step), step
            assert observe_comparable_state(fake) == observe_comparable_state(database), step


def apply_step(database: Database, step: Step) -> int:
    """Apply a step, and return its error number, or 0."""
    try:
        database.apply(step)
    except DatabaseRefused as refused:
        return refused.number
    return 0


def observe_comparable_state(database: Database) -> ServerState:
    """Return the state without names, numbers and files that differ between servers."""
    state = replace(database.observe(), version="", uuid=None, port=0, tls=None, data_directory="")
    return replace(state, channel_charset="", unrecorded_gtids=None, logged_history=None)
