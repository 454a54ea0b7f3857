"""The position of a snapshot on the source, and how a replica is brought to it. The families differ only here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from guestagent.database.connection import Connection
from guestagent.database.gtid_history import GtidHistory
from guestagent.database.sql_statement import Statement, sql

START_SNAPSHOT = sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
SNAPSHOT_OPERATION = "opening a snapshot"


@dataclass(frozen=True, slots=True)
class SnapshotPosition:
    """The transactions that a snapshot contains, and on MariaDB the file and the offset in the source's binary log.

    Until `resolve_position`, the history on MariaDB is a bound: it may contain transactions that the snapshot does not.
    """

    history: GtidHistory
    log_file: str = ""
    log_offset: int = 0

    def __str__(self) -> str:
        return str(self.history)


class SnapshotDialect(Protocol):
    """The statements of a family."""

    stop_applier: Statement
    start_applier: Statement
    snapshot_age_limit_s: float
    """A pair of snapshots is renewed when it is older."""

    def read_source_history(self, connection: Connection) -> GtidHistory:
        """Return what the source has committed."""

    def read_applied_history(self, connection: Connection) -> GtidHistory:
        """Return what the replica's channel has applied."""

    def is_applier_running(self, connection: Connection) -> bool | None:
        """Return whether the SQL thread of the replica's channel runs; None if there is no channel."""

    def try_snapshot(self, connection: Connection) -> SnapshotPosition | None:
        """Open a snapshot, and return its position; None if it cannot be known, then try again."""

    def resolve_position(self, connection: Connection, position: SnapshotPosition) -> SnapshotPosition | None:
        """Return the exact position of an open snapshot; None if it cannot be known. This may take seconds."""

    def build_until(self, position: SnapshotPosition, applied: GtidHistory) -> Statement:
        """Return the statement that starts the SQL thread, and lets it stop at the position."""

    def is_at(self, position: SnapshotPosition, applied: GtidHistory) -> bool:
        """Return whether a replica has applied exactly the transactions of the snapshot."""

    def is_beyond(self, position: SnapshotPosition, applied: GtidHistory) -> bool:
        """Return whether a replica has applied transactions that the snapshot does not contain."""
