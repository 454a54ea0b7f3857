"""A source and a replica in memory, for tests of pairs of snapshots."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from guestagent.database.connection import Connection
from guestagent.database.gtid_history import GtidHistory
from guestagent.database.mysql.gtid import MysqlHistory
from guestagent.database.sql_statement import Statement, sql
from guestagent.retry import FakeClock
from guestagent.verification.snapshot_pair import PairEnvironment
from guestagent.verification.source_snapshot import SnapshotPosition

UUID = "3e11fa47-71ca-11e1-9e33-c80aa9429562"


def build_history(number: int) -> MysqlHistory:
    return MysqlHistory.parse(f"{UUID}:1-{number}" if number else "")


@dataclass
class SnapshotServers:
    """A source with `committed` transactions, and a replica with `applied` ones. `events` are what they were told.

    `inexact_snapshots`: so many snapshots have no known position. `overshoot`: the SQL thread first stops so many
    transactions too late.
    """

    committed: int = 5
    applied: int = 5
    is_running: bool | None = True
    inexact_snapshots: int = 0
    overshoot: int = 0
    events: list[str] = field(default_factory=list)

    stop_applier = sql("stop")
    start_applier = sql("start")
    snapshot_age_limit_s = 60.0

    def execute(self, text: str) -> None:
        self.events.append(text)
        if text == "stop":
            self.is_running = False
        elif text == "start":
            self.is_running = True
        elif text.startswith("until"):
            self.applied = int(text.removeprefix("until ")) + self.overshoot
            self.overshoot = 0

    def read_source_history(self, connection: Connection) -> GtidHistory:
        return build_history(self.committed)

    def read_applied_history(self, connection: Connection) -> GtidHistory:
        return build_history(self.applied)

    def is_applier_running(self, connection: Connection) -> bool | None:
        return self.is_running

    def try_snapshot(self, connection: Connection) -> SnapshotPosition | None:
        self.committed += 1  # the source is written to all the time
        if self.inexact_snapshots > 0:
            self.inexact_snapshots -= 1
            return None
        self.events.append(f"snapshot of the source at {self.committed}")
        return SnapshotPosition(build_history(self.committed))

    def resolve_position(self, connection: Connection, position: SnapshotPosition) -> SnapshotPosition | None:
        self.events.append("position resolved")
        return position

    def build_until(self, position: SnapshotPosition, applied: GtidHistory) -> Statement:
        return sql(f"until {self.committed}")

    def is_at(self, position: SnapshotPosition, applied: GtidHistory) -> bool:
        return position.history.contains(applied) and applied.contains(position.history)

    def is_beyond(self, position: SnapshotPosition, applied: GtidHistory) -> bool:
        return not position.history.contains(applied)


class SnapshotSession:
    def __init__(self, servers: SnapshotServers, name: str) -> None:
        self._servers, self._name = servers, name

    def fetch_rows(self, statement: Statement, operation: str) -> list[Any]:
        if self._name == "control":
            self._servers.execute(statement.text)
        elif statement.text.startswith("START TRANSACTION"):
            self._servers.events.append(f"snapshot of the replica at {self._servers.applied}")
        return []

    def close(self) -> None:
        self._servers.events.append(f"{self._name} closed")


def build_environment(servers: SnapshotServers) -> PairEnvironment:
    @contextmanager
    def hold_passes() -> Iterator[None]:
        servers.events.append("locked")
        yield
        servers.events.append("unlocked")

    def open_session(name: str) -> Connection:
        return cast("Connection", SnapshotSession(servers, name))

    return PairEnvironment(
        servers,
        lambda: open_session("source"),
        lambda: open_session("replica"),
        lambda: open_session("control"),
        hold_passes,
        FakeClock(),
    )
