"""What a pass touches outside, and the values in which it tells how it goes and how it ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from guestagent.agent.journal import Journal
from guestagent.agent.login_proofs import LoginProofs
from guestagent.agent.model import Readiness
from guestagent.agent.pause import Pause
from guestagent.agent.server_config import ServerConfiguration
from guestagent.database.binlog_comparison import CompareBinlogs, ComparisonResult
from guestagent.database.channel_certificates import ChannelCertificates
from guestagent.database.protocols import Database, SourceProbe
from guestagent.database.state import ServerState
from guestagent.retry import Clock


@dataclass(frozen=True, slots=True)
class PassDependencies:
    """Everything outside that a pass touches. `address_towards(host)`: this node's address on the way there.

    `interrupted` is asked between steps: true when a newer document has come or the agent is to end; and so is
    `paused`, the mark of an operator at work, under which nothing is changed. Without a `configuration` the server's
    is left alone. `logins` are known from pass to pass if the caller keeps them; `server_life` differs between two
    lives of the database server. `compare_logs` compares the binary log with the source's.
    """

    open_database: Callable[[], Database]
    source_view: SourceProbe
    journal: Journal
    clock: Clock
    find_own_address: Callable[[str], str | None]
    is_interrupted: Callable[[], bool] = lambda: False
    report_progress: Callable[[Progress], None] = lambda progress: None
    channel_files: ChannelCertificates = field(default_factory=ChannelCertificates)
    read_pause: Callable[[], Pause | None] = lambda: None
    configuration: ServerConfiguration | None = None
    login_proofs: LoginProofs = field(default_factory=LoginProofs)
    identify_server_instance: Callable[[], object] = lambda: None
    compare_logs: CompareBinlogs = lambda source, tls, since, until, equal: ComparisonResult()


class Verdict(str, Enum):
    """How the work on a document ended."""

    READY = "ready"
    FAILED = "failed"
    INTERRUPTED = "cut"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Progress:
    """Where the work stands, for status and log. `doing` is the step at hand, or what is waited for."""

    readiness: Readiness | None
    activity: str
    elapsed: float


@dataclass(frozen=True, slots=True)
class Report:
    """What came of it. `seconds` by phase; `server` is the last look at it."""

    verdict: Verdict
    readiness: Readiness
    elapsed: float
    is_late: bool = False
    server: ServerState | None = None
    phase_seconds: dict[str, float] = field(default_factory=dict)
