"""Sources and replicas for tests of divergence, and the decision about them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from guestagent.agent.divergence import Divergence, Sighting, SourceIdentity, find_divergence
from guestagent.agent.journal import Journal
from guestagent.database.mysql import MysqlDialect
from guestagent.database.mysql.gtid import MysqlHistory
from guestagent.database.state import ReceiverState, ServerError, ServerState, SourceState
from guestagent.metadata.document import Source, User
from guestagent.retry import FakeClock
from guestagent.secret import Secret
from tests.support.agent_states import DIALECT, build_channel, build_server, build_source_state

UUID, OTHER = "3e11fa47-71ca-11e1-9e33-c80aa9429562", "4e11fa47-71ca-11e1-9e33-c80aa9429562"
HERE = SourceIdentity("10.0.0.7", 3306)
SOURCE = Source("10.0.0.7", User("slave0000", Secret("pw")))
AHEAD = ServerError(1236, "requested to start from GTID 0-7-9, which is not in the master's binlog")


def build_mysql(executed: str, **changes: Any) -> ServerState:
    return build_server(history=MysqlHistory.parse(executed), schemas=("d",), **changes)


def build_mysql_source(executed: str, uuid: str = UUID, **changes: Any) -> SourceState:
    return build_source_state(history=MysqlHistory.parse(executed), uuid=uuid, **changes)


def build_stopped_server(error: ServerError) -> ServerState:
    return build_server("0-7-5", channel=build_channel(receiver=ReceiverState.STOPPED, receiver_error=error))


def detect(
    state: ServerState, source: SourceState, sighting: Sighting | None = None, at: SourceIdentity = HERE
) -> Divergence | None:
    """Find a divergence with the dialect of the replica's history."""
    dialect = MysqlDialect() if isinstance(state.history, MysqlHistory) else DIALECT
    return find_divergence(at, state, source, sighting, dialect)


def open_journal(folder: Path) -> Journal:
    return Journal(folder / "journal.json", FakeClock(), "boot")
