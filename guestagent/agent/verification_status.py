"""The last verification, for `guestagent status`. It is no part of readiness."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from guestagent.agent.timestamp import Timestamp, format_age, measure_age, read_timestamp
from guestagent.errors import StorageError
from guestagent.strict_json import UnreadableContent
from guestagent.verification import VerificationResult, read_result


@dataclass(frozen=True, slots=True)
class LastVerification:
    """The result of the last verification, the time at which it was complete, and its age in seconds."""

    result: VerificationResult
    finished: Timestamp
    age: float | None

    def __str__(self) -> str:
        return f"{self.result.summarize()} ({format_age(self.age)}, at {self.finished.at})"

    def as_json(self) -> dict[str, object]:
        return {
            "result": self.result.outcome,
            "at": self.finished.at,
            "age": None if self.age is None else round(self.age, 1),
            "selection": self.result.selection,
            "tables": self.result.table_count,
            "rows": self.result.row_count,
            "differences": len(self.result.differences),
            "uncompared": len(self.result.uncompared),
        }


def read_last_verification(state_folder: Path) -> LastVerification | None:
    """Read the last verification; None if there was none, or if its file cannot be read."""
    try:
        content = read_result(state_folder)
        if content is None:
            return None
        result, data = content
        finished = Timestamp.parse(data)
    except (UnreadableContent, StorageError, ValueError):
        return None
    return LastVerification(result, finished, measure_age(finished, read_timestamp()))
