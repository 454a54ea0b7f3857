"""Two snapshots at one GTID position: one on the source, and one on the replica while its SQL thread is stopped there.

The SQL thread stops for a moment only. Then it goes on, and the snapshots stay as they are. If this process is killed
in that moment, the resident agent finds a stopped channel and starts it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass

from guestagent.database.connection import Connection
from guestagent.database.gtid_history import GtidHistory, shorten_gtids
from guestagent.database.sql_statement import Statement, sql
from guestagent.errors import NotReady
from guestagent.retry import Clock
from guestagent.verification.source_snapshot import (
    SNAPSHOT_OPERATION,
    START_SNAPSHOT,
    SnapshotDialect,
    SnapshotPosition,
)

ATTEMPT_LIMIT = 5
EXACT_SNAPSHOT_TIMEOUT_S = 5.0
HOLD_TIMEOUT_S = 20.0
STALL_TIMEOUT_S = 60.0
POLL_INTERVAL_S = 0.005
CATCH_UP_INTERVAL_S = 0.2
SET_SAVEPOINT = sql("SAVEPOINT chunk")
ROLL_BACK = sql("ROLLBACK TO SAVEPOINT chunk")
CHANNEL_OPERATION = "stopping the channel's SQL thread at a position"


@dataclass(frozen=True, slots=True)
class SnapshotPair:
    """The sessions of two snapshots at `position`.

    `hold_s`: for so long the SQL thread was stopped. `opening_s`: for so long the last attempt to open it took.
    """

    source: Connection
    replica: Connection
    position: SnapshotPosition
    opened_at: float
    hold_s: float
    opening_s: float = 0.0

    def release_locks(self) -> None:
        """Release the metadata locks of the tables that were read: DDL statements wait for them.

        The source's are not released if it is a MariaDB: see MariadbSnapshots.
        """
        for connection in (self.source, self.replica):
            connection.fetch_rows(ROLL_BACK, "releasing the locks of a chunk")

    def close(self) -> None:
        self.source.close()
        self.replica.close()


@dataclass(frozen=True, slots=True)
class PairEnvironment:
    """How a pair is opened. Within `hold_passes` no pass of the agent touches the channel, and no signal interrupts."""

    dialect: SnapshotDialect
    open_source: Callable[[], Connection]
    open_replica: Callable[[], Connection]
    open_control: Callable[[], Connection]
    hold_passes: Callable[[], AbstractContextManager[None]]
    clock: Clock


class ReplicaOutOfStep(Exception):
    """The replica could not be stopped at the position of a snapshot, which another attempt may achieve."""


def open_pair(
    environment: PairEnvironment, act_while_held: Callable[[], None] = lambda: None
) -> SnapshotPair:
    """Open both sessions and take their snapshots. `act_while_held` runs while the SQL thread is stopped.

    Raises NotReady if the replica has no running channel, does not catch up, or cannot be stopped at a position.
    """
    with closing(environment.open_control()) as control, ExitStack() as stack:
        source = stack.enter_context(closing(environment.open_source()))
        replica = stack.enter_context(closing(environment.open_replica()))
        pair = _attempt_pair(environment, source, replica, control, act_while_held)
        stack.pop_all()
        return pair


def _attempt_pair(
    environment: PairEnvironment,
    source: Connection,
    replica: Connection,
    control: Connection,
    act_while_held: Callable[[], None],
) -> SnapshotPair:
    for attempt in range(1, ATTEMPT_LIMIT + 1):
        _catch_up(environment, source, control)
        try:
            begin = environment.clock.now()
            with environment.hold_passes():
                position, applied = _take_snapshots(environment, source, replica, control, act_while_held)
            hold_s = environment.clock.now() - begin
            position = _confirm_position(environment, source, position, applied)
            for connection in (source, replica):
                connection.fetch_rows(SET_SAVEPOINT, SNAPSHOT_OPERATION)
            now = environment.clock.now()
            return SnapshotPair(source, replica, position, now, hold_s, opening_s=now - begin)
        except ReplicaOutOfStep as error:
            if attempt == ATTEMPT_LIMIT:
                raise NotReady(f"no common position of source and replica: {error}") from error
    raise AssertionError("the last attempt returns or raises")


def _take_snapshots(
    environment: PairEnvironment,
    source: Connection,
    replica: Connection,
    control: Connection,
    act_while_held: Callable[[], None],
) -> tuple[SnapshotPosition, GtidHistory]:
    """Take both snapshots. Return the position of the source's, and what the replica had applied at its own."""
    dialect = environment.dialect
    _require_running_applier(dialect, control)
    try:
        _execute(control, dialect.stop_applier)
        position = _snapshot_source(environment, source)
        applied = _advance(environment, control, position)
        replica.fetch_rows(START_SNAPSHOT, SNAPSHOT_OPERATION)
        act_while_held()
    finally:
        _execute(control, dialect.start_applier)
    return position, applied


def _confirm_position(
    environment: PairEnvironment, source: Connection, position: SnapshotPosition, applied: GtidHistory
) -> SnapshotPosition:
    """Prove that both snapshots contain the same transactions, and return their exact position."""
    exact_position = environment.dialect.resolve_position(source, position)
    if exact_position is None or not environment.dialect.is_at(exact_position, applied):
        raise ReplicaOutOfStep(
            f"the source's snapshot is at {shorten_gtids(str(exact_position))}, and the replica had stopped at "
            f"{shorten_gtids(str(applied))}"
        )
    return exact_position


def _snapshot_source(environment: PairEnvironment, source: Connection) -> SnapshotPosition:
    """Open snapshots until the position of one is known exactly."""
    until = environment.clock.now() + EXACT_SNAPSHOT_TIMEOUT_S
    while environment.clock.now() < until:
        position = environment.dialect.try_snapshot(source)
        if position is not None:
            return position
    raise ReplicaOutOfStep(
        f"the source was committing all the time, for {EXACT_SNAPSHOT_TIMEOUT_S:g} s, so that the position of no "
        "snapshot is known; try again when it has less to do"
    )


def _advance(environment: PairEnvironment, control: Connection, position: SnapshotPosition) -> GtidHistory:
    """Let the SQL thread run until the position, and stop it there. Return what it has applied."""
    dialect, clock = environment.dialect, environment.clock
    applied = dialect.read_applied_history(control)
    if dialect.is_at(position, applied) or dialect.is_beyond(position, applied):
        return applied
    _execute(control, dialect.build_until(position, applied))
    until = clock.now() + HOLD_TIMEOUT_S
    while dialect.is_applier_running(control) and clock.now() < until:
        if dialect.is_at(position, dialect.read_applied_history(control)):
            break
        clock.sleep(POLL_INTERVAL_S)
    _execute(control, dialect.stop_applier)
    return dialect.read_applied_history(control)


def _catch_up(environment: PairEnvironment, source: Connection, control: Connection) -> None:
    """Wait until the replica has applied what the source has now, so that the SQL thread stops for a moment only."""
    dialect, clock = environment.dialect, environment.clock
    target = SnapshotPosition(dialect.read_source_history(source))
    last_applied, moved_at = "", clock.now()
    while True:
        applied = dialect.read_applied_history(control)
        if dialect.is_at(target, applied) or dialect.is_beyond(target, applied):
            return
        if str(applied) != last_applied:
            last_applied, moved_at = str(applied), clock.now()
        if clock.now() - moved_at >= STALL_TIMEOUT_S:
            raise NotReady(
                f"the replica has applied nothing for {STALL_TIMEOUT_S:g} s, and is behind its source: see "
                "`guestagent status`"
            )
        _require_running_applier(dialect, control)
        clock.sleep(CATCH_UP_INTERVAL_S)


def _require_running_applier(dialect: SnapshotDialect, control: Connection) -> None:
    """Raise NotReady unless the channel runs: a channel that something else has stopped must stay stopped."""
    is_running = dialect.is_applier_running(control)
    if is_running is None:
        raise NotReady("this node has no replication channel yet: see `guestagent status`")
    if not is_running:
        raise NotReady("the SQL thread of the replication channel does not run: see `guestagent status`")


def _execute(control: Connection, statement: Statement) -> None:
    control.fetch_rows(statement, CHANNEL_OPERATION)
