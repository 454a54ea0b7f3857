"""What a pass touches outside, and the values in which it tells how it goes and how it ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from guestagent.agent.configuration import Configuration
from guestagent.agent.journal import Journal
from guestagent.agent.login_proofs import LoginProofs
from guestagent.agent.model import Readiness
from guestagent.agent.pausing import Pause
from guestagent.database.edge import Database, SourceView
from guestagent.database.log_comparison import CompareBinaryLogs, ComparedLogs
from guestagent.database.material import ChannelFiles
from guestagent.database.state import ServerState
from guestagent.retry import Clock


@dataclass(frozen=True, slots=True)
class Edges:
    """Everything outside that a pass touches. `address_towards(host)`: this node's address on the way there.

    `interrupted` is asked between steps: true when a newer document has come or the agent is to end; and so is
    `paused`, the mark of an operator at work, under which nothing is changed. Without a `configuration` the server's
    is left alone. `logins` are known from pass to pass if the caller keeps them; `server_life` differs between two
    lives of the database server. `compare_logs` compares the binary log with the source's.
    """

    open: Callable[[], Database]
    view: SourceView
    journal: Journal
    clock: Clock
    address_towards: Callable[[str], str | None]
    interrupted: Callable[[], bool] = lambda: False
    tell: Callable[[Progress], None] = lambda progress: None
    files: ChannelFiles = field(default_factory=ChannelFiles)
    paused: Callable[[], Pause | None] = lambda: None
    configuration: Configuration | None = None
    logins: LoginProofs = field(default_factory=LoginProofs)
    server_life: Callable[[], object] = lambda: None
    compare_logs: CompareBinaryLogs = lambda source, tls, since, until, equal: ComparedLogs()


class Verdict(str, Enum):
    """How the work on a document ended."""

    READY = "ready"
    FAILED = "failed"
    CUT = "cut"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Progress:
    """Where the work stands, for status and log. `doing` is the step at hand, or what is waited for."""

    readiness: Readiness | None
    doing: str
    elapsed: float


@dataclass(frozen=True, slots=True)
class Report:
    """What came of it. `seconds` by phase; `server` is the last look at it."""

    verdict: Verdict
    readiness: Readiness
    elapsed: float
    late: bool = False
    server: ServerState | None = None
    seconds: dict[str, float] = field(default_factory=dict)
