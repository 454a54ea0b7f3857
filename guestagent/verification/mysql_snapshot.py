"""Snapshots of a MySQL source, and its replica's channel.

MySQL does not show the position of a snapshot. It owns a transaction's GTID from before the transaction's changes
become visible until `gtid_executed` contains it, so the position is exact if `gtid_executed` is the same before and
after the snapshot, and no GTID was owned in between. Any account may read both variables.
"""

from __future__ import annotations

from guestagent.database.connection import Connection
from guestagent.database.gtid_history import GtidHistory
from guestagent.database.mysql.gtid import MysqlHistory
from guestagent.database.sql_statement import Statement, sql
from guestagent.verification.source_snapshot import SNAPSHOT_OPERATION, START_SNAPSHOT, SnapshotPosition

GTID_EXECUTED = sql("SELECT @@GLOBAL.gtid_executed AS gtids")
GTID_OWNED = sql("SELECT @@GLOBAL.gtid_owned AS gtids")
CHANNEL_STATUS = sql("SHOW REPLICA STATUS")


class MysqlSnapshots:
    """The SnapshotDialect of MySQL."""

    stop_applier = sql("STOP REPLICA SQL_THREAD FOR CHANNEL ''")
    start_applier = sql("START REPLICA SQL_THREAD FOR CHANNEL ''")
    # An old snapshot keeps a busy server from removing old versions of rows.
    snapshot_age_limit_s = 60.0

    def read_source_history(self, connection: Connection) -> GtidHistory:
        return MysqlHistory.parse(_read_gtids(connection, GTID_EXECUTED))

    def read_applied_history(self, connection: Connection) -> GtidHistory:
        return MysqlHistory.parse(_read_gtids(connection, GTID_EXECUTED))

    def is_applier_running(self, connection: Connection) -> bool | None:
        rows = connection.fetch_rows(CHANNEL_STATUS, "reading the channel's status")
        return next((row["Replica_SQL_Running"] == "Yes" for row in rows if not row["Channel_Name"]), None)

    def try_snapshot(self, connection: Connection) -> SnapshotPosition | None:
        before = _read_gtids(connection, GTID_EXECUTED)
        connection.fetch_rows(START_SNAPSHOT, SNAPSHOT_OPERATION)
        # In this order: a transaction that commits between the two queries is in the second one.
        is_committing = bool(_read_gtids(connection, GTID_OWNED))
        after = _read_gtids(connection, GTID_EXECUTED)
        return None if is_committing or before != after else SnapshotPosition(MysqlHistory.parse(after))

    def resolve_position(self, connection: Connection, position: SnapshotPosition) -> SnapshotPosition | None:
        return position

    def build_until(self, position: SnapshotPosition, applied: GtidHistory) -> Statement:
        return sql(
            "START REPLICA SQL_THREAD UNTIL SQL_AFTER_GTIDS = {} FOR CHANNEL ''",
            position.history.format_difference(applied),
        )

    def is_at(self, position: SnapshotPosition, applied: GtidHistory) -> bool:
        return applied.contains(position.history) and not self.is_beyond(position, applied)

    def is_beyond(self, position: SnapshotPosition, applied: GtidHistory) -> bool:
        """Ignore transactions of origins that the source does not know: errant ones may be what is looked for."""
        extra = MysqlHistory.parse(applied.format_difference(position.history))
        return bool(extra.origins & position.history.origins)


def _read_gtids(connection: Connection, statement: Statement) -> str:
    return connection.fetch_rows(statement, SNAPSHOT_OPERATION)[0]["gtids"] or ""
