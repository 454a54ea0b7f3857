"""Snapshots of a MariaDB source, and its replica's channel.

MariaDB shows the place in the binary log that belongs to a session's snapshot: `binlog_snapshot_file` and
`binlog_snapshot_position`, which it takes together with the snapshot. Any account may read them.
"""

from __future__ import annotations

from dataclasses import replace

from guestagent.database.connection import Connection
from guestagent.database.gtid_history import GtidHistory
from guestagent.database.mariadb.gtid import MariadbHistory
from guestagent.database.sql_statement import Statement, sql
from guestagent.verification.source_snapshot import SNAPSHOT_OPERATION, START_SNAPSHOT, SnapshotPosition

SOURCE_POSITION = sql("SELECT @@GLOBAL.gtid_binlog_pos AS gtids")
APPLIED_POSITION = sql("SELECT @@GLOBAL.gtid_slave_pos AS gtids")
SNAPSHOT_STATUS = sql("SHOW SESSION STATUS LIKE 'Binlog_snapshot_%'")
CHANNEL_STATUS = sql("SHOW SLAVE STATUS")


class MariadbSnapshots:
    """The SnapshotDialect of MariaDB."""

    stop_applier = sql("STOP SLAVE SQL_THREAD")
    start_applier = sql("START SLAVE SQL_THREAD")
    # A session that may write to the binary log keeps the metadata locks of the tables that it has read until the end
    # of its transaction, and this account cannot turn the log off. DDL waits for it, and other statements for the DDL.
    snapshot_age_limit_s = 5.0

    def read_source_history(self, connection: Connection) -> GtidHistory:
        return _read_position(connection, SOURCE_POSITION)

    def read_applied_history(self, connection: Connection) -> GtidHistory:
        return _read_position(connection, APPLIED_POSITION)

    def is_applier_running(self, connection: Connection) -> bool | None:
        rows = connection.fetch_rows(CHANNEL_STATUS, "reading the channel's status")
        return next((row["Slave_SQL_Running"] == "Yes" for row in rows), None)

    def try_snapshot(self, connection: Connection) -> SnapshotPosition | None:
        connection.fetch_rows(START_SNAPSHOT, SNAPSHOT_OPERATION)
        rows = connection.fetch_rows(SNAPSHOT_STATUS, SNAPSHOT_OPERATION)
        status = {str(row["Variable_name"]).lower(): row["Value"] or "" for row in rows}
        file, offset = status["binlog_snapshot_file"], int(status["binlog_snapshot_position"] or 0)
        # A transaction is in the log before it is in a snapshot.
        return SnapshotPosition(_read_position(connection, SOURCE_POSITION), file, offset)

    def resolve_position(self, connection: Connection, position: SnapshotPosition) -> SnapshotPosition | None:
        """Let the source read its binary log up to the place of the snapshot, while the replica goes on."""
        query = sql("SELECT BINLOG_GTID_POS({}, {}) AS gtids", position.log_file, position.log_offset)
        gtids = connection.fetch_rows(query, SNAPSHOT_OPERATION)[0]["gtids"]
        return None if gtids is None else replace(position, history=MariadbHistory.parse(gtids))

    def build_until(self, position: SnapshotPosition, applied: GtidHistory) -> Statement:
        """Stop by the place in the log: with a GTID, both threads would have to be stopped before."""
        return sql(
            "START SLAVE SQL_THREAD UNTIL MASTER_LOG_FILE = {}, MASTER_LOG_POS = {}",
            position.log_file,
            position.log_offset,
        )

    def is_at(self, position: SnapshotPosition, applied: GtidHistory) -> bool:
        """Compare the domains that the source's log contains."""
        wanted, actual = _list_newest(position.history), _list_newest(applied)
        return all(actual.get(domain) == gtid for domain, gtid in wanted.items())

    def is_beyond(self, position: SnapshotPosition, applied: GtidHistory) -> bool:
        wanted, actual = _list_newest(position.history), _list_newest(applied)
        return any(actual.get(domain, (0, 0))[0] > number for domain, (number, _) in wanted.items())


def _read_position(connection: Connection, statement: Statement) -> MariadbHistory:
    return MariadbHistory.parse(connection.fetch_rows(statement, SNAPSHOT_OPERATION)[0]["gtids"])


def _list_newest(history: GtidHistory) -> dict[int, tuple[int, int]]:
    """Return the newest sequence number and its server id, by domain."""
    if not isinstance(history, MariadbHistory):
        raise TypeError("histories of two families cannot be compared")
    newest = history.newest_by_domain.sequence_numbers
    return {domain: (number, server) for (domain, server), number in newest.items()}
