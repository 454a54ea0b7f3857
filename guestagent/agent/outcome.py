"""The progress and the result of the work on a document. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from guestagent.agent.model import Readiness
from guestagent.agent.seed_record import SeedRecord
from guestagent.agent.volume_condition import VolumeObservation
from guestagent.database.state import ServerState


class Verdict(str, Enum):
    """The result of the work on a document."""

    READY = "ready"
    FAILED = "failed"
    INTERRUPTED = "cut"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of the work, for status and log. `activity` is the present step, or the condition waited for."""

    readiness: Readiness | None
    activity: str
    elapsed: float


@dataclass(frozen=True, slots=True)
class DataSize:
    """Bytes of the data, with their redo log, and of the binary logs. `log_bytes` None: no log lies beside the data.

    `disk_bytes` is the size of the file system that holds them, `measured_at` the time of day, in ISO 8601.
    """

    data_bytes: int
    log_bytes: int | None
    disk_bytes: int | None = None
    measured_at: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """The result of the work, with the last observations of the server and the data volume, and the newest seed.

    `data_size` is measured for the signal of a source.
    """

    verdict: Verdict
    readiness: Readiness
    elapsed: float
    is_late: bool = False
    server: ServerState | None = None
    phase_seconds: dict[str, float] = field(default_factory=dict)
    volume: VolumeObservation | None = None
    seed: SeedRecord | None = None
    data_size: DataSize | None = None
