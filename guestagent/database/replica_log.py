"""Whether a replica's log shows what the replica has applied: otherwise it cannot be compared with the source's."""

from __future__ import annotations

from collections.abc import Iterable

from guestagent.database.connection import Connection
from guestagent.database.gtid_history import GtidHistory
from guestagent.database.mariadb.gtid import MariadbHistory
from guestagent.database.mariadb.server_state import read_positions
from guestagent.database.sql_statement import sql

OPERATION = "reading the binary log"
LOG_VARIABLES = sql(
    "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('log_replica_updates', 'log_slave_updates') AND Value = 'OFF'"
)


def find_unlogged_reason(connection: Connection, since: GtidHistory, verified: Iterable[str] = ()) -> str:
    """Return why the log of the server behind `connection` lacks what it has applied since then; "" if it has that.

    A log with the newest transaction of one domain is a log of what was applied: other domains may come from a backup.
    `verified` are newest transactions that the log need not have.
    """
    for row in connection.fetch_rows(LOG_VARIABLES, OPERATION):
        return f"this server does not log what it applies ({row['Variable_name']} = OFF)"
    if not isinstance(since, MariadbHistory):
        return ""  # a MySQL rejects the request for a log that it does not have
    logged_history = read_positions(connection).logged_history
    return describe_unlogged_gtids(since, logged_history, verified)


def describe_unlogged_gtids(since: MariadbHistory, logged: MariadbHistory, verified: Iterable[str]) -> str:
    """Return a reason if a log has none of the newest GTIDs of `since`, and nothing after them."""
    newest = since.newest_by_domain
    positions = logged.domain_positions
    has_any = any(
        number <= positions.get(domain, 0) for (domain, _), number in newest.sequence_numbers.items()
    )
    if newest.is_empty or has_any or set(verified) & set(str(newest).split(",")):
        return ""
    return f"the binary log of this server does not have {newest}, which it has applied"
