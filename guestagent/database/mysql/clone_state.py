"""The state of a CLONE as the recipient's server shows it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from guestagent.database.mysql.gtid import MysqlHistory
from guestagent.database.state import ServerError

THIS_INSTANCE = "LOCAL INSTANCE"
"""The destination of a CLONE that replaces the data of its own server."""
IN_PROGRESS, COMPLETED = "In Progress", "Completed"
FIXED_STAGES = frozenset({"DROP DATA", "FILE SYNC", "RESTART", "RECOVERY"})
"""Stages without bytes, however long they take."""


@dataclass(frozen=True, slots=True)
class CloneStatus:
    """The newest CLONE of a server. `process_id` is that of its session, 0 if it runs no more after a restart.

    `begin_time` tells it from others. `destination` is a path with a slash at its end, or THIS_INSTANCE. `history` is
    the GTID set of a complete copy.
    """

    state: str
    process_id: int
    begin_time: str
    source: str
    destination: str
    error: ServerError | None = None
    history: MysqlHistory = field(default_factory=MysqlHistory)

    @property
    def is_running(self) -> bool:
        return self.state == IN_PROGRESS and self.process_id != 0


@dataclass(frozen=True, slots=True)
class CloneProgress:
    """Bytes so far, and of how many; `stage` is the present one, "" if there is none."""

    done: int
    total: int
    stage: str

    @property
    def moves_bytes(self) -> bool:
        return self.stage not in FIXED_STAGES
