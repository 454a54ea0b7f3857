"""The server in memory: its behavior, and its simulated crashes. An integration test compares it with real servers."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest

from guestagent.database.account_purpose import REPLICATION_PRIVILEGES
from guestagent.database.fake import FRESH_SERVER, FakeDatabase, FakeSourceProbe, SimulatedCrash
from guestagent.database.mariadb.gtid import MariadbHistory
from guestagent.database.state import Account, ReceiverState, ServerError, SourceState
from guestagent.database.steps import (
    CreateAccount,
    CreateMarker,
    PointChannel,
    SetPrivileges,
    SetReadOnly,
    StartChannel,
    StopChannel,
)
from guestagent.errors import DatabaseRefused
from guestagent.metadata.document import UnresolvedFunction
from guestagent.secret import Secret

REPLICATOR = Account("slave0000", "%")
PASSWORD = Secret("hunter2")
POINT = PointChannel("10.0.0.7", 3306, "slave0000", PASSWORD)
SOURCE_HISTORY = MariadbHistory.parse("0-1-42")


def apply_steps(
    database: FakeDatabase, *steps: CreateMarker | CreateAccount | PointChannel | StartChannel
) -> FakeDatabase:
    for step in steps:
        database.apply(step)
    return database


@pytest.mark.parametrize(
    ("cut", "exists", "privileges", "marked"),
    [
        (1, False, frozenset(), False),
        (2, True, frozenset(), False),
        (3, True, REPLICATION_PRIVILEGES, False),
        (4, True, REPLICATION_PRIVILEGES, True),
    ],
)
def test_it_crashes_between_statements(
    cut: int, exists: bool, privileges: frozenset[str], marked: bool
) -> None:
    database = FakeDatabase(fails_after=cut)

    with suppress(SimulatedCrash):
        apply_steps(database, CreateMarker(), CreateAccount(REPLICATOR, PASSWORD))

    account = database.reopen().observe().find_account(REPLICATOR)
    assert (account is not None) is exists
    assert account is None or (account.privileges, account.is_marked) == (privileges, marked)


def test_it_keeps_crashing_until_it_is_reopened() -> None:
    database = FakeDatabase(fails_after=0)

    with pytest.raises(SimulatedCrash):
        database.apply(CreateMarker())
    with pytest.raises(SimulatedCrash):
        database.apply(CreateMarker())

    database.reopen().apply(CreateMarker())


def test_an_account_needs_the_marker_first() -> None:
    database = FakeDatabase()

    with pytest.raises(DatabaseRefused, match="1959"):
        database.apply(CreateAccount(REPLICATOR, PASSWORD))

    database.apply(CreateMarker())
    database.apply(SetPrivileges(REPLICATOR))
    assert database.observe().accounts[0].is_marked


def test_a_started_channel_applies_the_source_history() -> None:
    database = FakeDatabase(source_history=SOURCE_HISTORY)

    apply_steps(database, POINT, StartChannel())

    state = database.observe()
    assert state.history == SOURCE_HISTORY
    assert state.channel is not None
    assert (state.channel.receiver, state.channel.is_applier_running, state.channel.lag) == (
        ReceiverState.RUNNING,
        True,
        0,
    )


def test_a_channel_with_a_receiver_error_applies_nothing() -> None:
    database = FakeDatabase(source_history=SOURCE_HISTORY, receiver_error=ServerError(1045, "Access denied"))

    apply_steps(database, POINT, StartChannel())

    state = database.observe()
    assert state.history.is_empty
    assert state.channel is not None
    assert state.channel.receiver is ReceiverState.CONNECTING
    assert state.channel.receiver_error == ServerError(1045, "Access denied")


def test_a_running_channel_must_be_stopped_first() -> None:
    database = apply_steps(FakeDatabase(), POINT, StartChannel())

    with pytest.raises(DatabaseRefused, match="1198"):
        database.apply(POINT)

    database.apply(StopChannel())
    database.apply(POINT)


def test_only_logged_statements_extend_the_history() -> None:
    database = FakeDatabase(replace(FRESH_SERVER, read_only=False))

    database.apply(SetReadOnly(True))
    quiet = database.observe().history
    database.apply(CreateMarker())

    assert quiet.is_empty
    assert str(database.observe().history) == "0-1-1"
    assert database.write_count == 2


def test_a_template_function_is_not_apply_steps() -> None:
    with pytest.raises(TypeError):
        FakeDatabase().apply(
            PointChannel(UnresolvedFunction("Master0000.PrivateIp", "{}"), 3306, "u", PASSWORD)
        )


def test_a_source_probe_returns_its_states_and_then_repeats_the_last() -> None:
    rejected, readable = SourceState(error=ServerError(1045, "Access denied")), SourceState(server_id=1)
    probe = FakeSourceProbe(rejected, readable)

    states = [probe.probe("10.0.0.7", 3306, "slave0000", PASSWORD) for _ in range(3)]

    assert states == [rejected, readable, readable]
    assert probe.probes[0] == ("10.0.0.7", 3306, "slave0000")


def test_a_source_probe_without_states_cannot_connect() -> None:
    error = FakeSourceProbe().probe("10.0.0.7", 3306, "slave0000", PASSWORD).error

    assert error is not None
    assert error.number == 2003
