"""Credentials with which a channel of a real server logs in: all that the contract allows, and no others."""

from __future__ import annotations

from contextlib import closing

import pytest

from guestagent.database.protocols import Database
from guestagent.database.state import Account, ChannelState, ReceiverState
from guestagent.database.steps import CreateAccount, CreateMarker, PointChannel, StartChannel, StopChannel
from guestagent.secret import Secret
from tests.support.database_servers import DatabaseServer
from tests.support.polling import wait_until
from tests.support.replication import read_channel

LOGIN_REFUSED = frozenset({1045, 1698})


def test_a_channel_logs_in_with_all_credentials_of_the_contract(
    server: DatabaseServer, replica: Database
) -> None:
    admitted = {
        "`quoted`": "a\uffff \u00a0\u2028\ue000",
        '"quoted"': "\ufeff' \" ` \\ % # ; =",
        "'half": " blanks at both ends ",
        "a'b`c\\d@%": "é" * 16,
        "n" * 32: "p" * 32,
    }

    logged_in = {
        name: log_in(server, replica, name, password).receiver for name, password in admitted.items()
    }

    assert set(logged_in.values()) == {ReceiverState.RUNNING}


@pytest.mark.parametrize(
    ("name", "password"),
    [
        pytest.param("slave0000", "key \U0001f511", id="beyond U+FFFF"),
        pytest.param("'x'", "secret", id="outer quotes"),
    ],
)
def test_a_channel_cannot_log_in_with_credentials_that_the_contract_rejects(
    server: DatabaseServer, replica: Database, name: str, password: str
) -> None:
    channel = log_in(server, replica, name, password)

    assert channel.receiver is ReceiverState.CONNECTING
    assert channel.error_numbers & LOGIN_REFUSED


def log_in(server: DatabaseServer, replica: Database, name: str, password: str) -> ChannelState:
    """Create the account on the source, and return the channel after its login succeeded or failed."""
    with closing(server.open()) as source:
        if not source.observe().has_marker:
            source.apply(CreateMarker())
        source.apply(CreateAccount(Account(name, "%"), Secret(password)))
    if replica.observe().channel is not None:
        replica.apply(StopChannel())
    # Request the public key of a source without TLS: MySQL needs it for a login.
    replica.apply(PointChannel("127.0.0.1", server.port, name, Secret(password)))
    replica.apply(StartChannel())
    wait_until(
        lambda: (
            read_channel(replica).receiver is ReceiverState.RUNNING
            or bool(read_channel(replica).error_numbers)
        )
    )
    return read_channel(replica)
