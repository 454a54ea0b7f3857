"""A source, a replica that follows it, and how they are seen: for tests on real servers."""

from __future__ import annotations

from guestagent.database.protocols import Database
from guestagent.database.state import Account, AccountState, ChannelState, ReceiverState, ServerState
from guestagent.database.steps import PointChannel, StartChannel
from guestagent.secret import Secret
from tests.support.database_servers import DatabaseServer
from tests.support.polling import wait_until

PASSWORD = Secret("correct horse battery")


REPLICATOR = Account("slave0000", "%")


def build_point_channel(source: DatabaseServer, password: Secret = PASSWORD) -> PointChannel:
    return PointChannel("127.0.0.1", source.port, REPLICATOR.name, password)


def start_replication(replica: Database, source: DatabaseServer) -> None:
    replica.apply(build_point_channel(source))
    replica.apply(StartChannel())
    wait_until(lambda: read_channel(replica).receiver is ReceiverState.RUNNING)


def read_channel(database: Database) -> ChannelState:
    channel = database.observe().channel
    assert channel is not None
    return channel


def read_account(database: Database, account: Account) -> AccountState:
    account_state = database.observe().find_account(account)
    assert account_state is not None
    return account_state


def format_gtid(server: DatabaseServer, state: ServerState, number: int) -> str:
    """Return the GTID of the server's own transaction with this number."""
    return f"{state.uuid}:{number}" if server.flavour.family == "mysql" else f"0-{state.server_id}-{number}"
