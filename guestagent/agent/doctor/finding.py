"""One line of the doctor's report. No secret ever stands in one: it is meant for a ticket."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Grade(IntEnum):
    """WARN: it may pass, or will hurt later. FAIL: like this the node cannot be ready, or not be heard."""

    FAIL = 0
    WARN = 1
    OK = 2

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at (`topic` and `name`), how it is, what was seen, and what to do about it ("" for nothing)."""

    topic: str
    name: str
    grade: Grade
    actual: str
    advice: str = ""

    def __str__(self) -> str:
        said = f"{self.topic}, {self.name}: {self.actual}"
        return f"{said}; {self.advice}" if self.advice else said

    def as_json(self) -> dict[str, str]:
        """As `guestagent doctor --json` shows it."""
        return {
            "topic": self.topic,
            "name": self.name,
            "grade": str(self.grade),
            "seen": self.actual,
            "do": self.advice,
        }


@dataclass(frozen=True, slots=True)
class Topic:
    """Makes the findings of one topic."""

    name: str

    def report_ok(self, name: str, seen: str) -> Finding:
        return Finding(self.name, name, Grade.OK, seen)

    def report_warning(self, name: str, seen: str, do: str = "") -> Finding:
        return Finding(self.name, name, Grade.WARN, seen, do)

    def report_failure(self, name: str, seen: str, do: str = "") -> Finding:
        return Finding(self.name, name, Grade.FAIL, seen, do)
