"""One line of the doctor's report. It contains no secrets, so that it can be pasted into a ticket."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from guestagent.agent.model import Condition, ConditionState


class Grade(IntEnum):
    """The severity of a finding.

    WARN: it may pass by itself, or will cause trouble later. FAIL: the node cannot become ready, or its signal cannot
    reach Heat.
    """

    FAIL = 0
    WARN = 1
    OK = 2

    def __str__(self) -> str:
        return self.name.lower()


GRADES = {ConditionState.FINAL: Grade.FAIL, ConditionState.PENDING: Grade.WARN, ConditionState.HELD: Grade.OK}


@dataclass(frozen=True, slots=True)
class Finding:
    """A condition of readiness, or of its surroundings, and the topic under which the report shows it."""

    topic: str
    condition: Condition

    @property
    def name(self) -> str:
        return self.condition.name

    @property
    def grade(self) -> Grade:
        return GRADES[self.condition.state]

    @property
    def actual(self) -> str:
        """The observation, after the expectation if there is one and it does not hold."""
        if self.grade is Grade.OK or not self.condition.expected:
            return self.condition.actual
        return f"expected {self.condition.expected}, found {self.condition.actual}"

    @property
    def advice(self) -> str:
        return "" if self.grade is Grade.OK else self.condition.advice

    def as_json(self) -> dict[str, str]:
        """Return the finding as `guestagent doctor --json` shows it."""
        return {
            "topic": self.topic,
            "name": self.name,
            "grade": str(self.grade),
            "seen": self.actual,
            "do": self.advice,
        }


@dataclass(frozen=True, slots=True)
class Topic:
    """Builds the findings of one topic."""

    name: str

    def report_ok(self, name: str, actual: str) -> Finding:
        return self._build_finding(name, ConditionState.HELD, actual)

    def report_warning(self, name: str, actual: str, advice: str = "") -> Finding:
        return self._build_finding(name, ConditionState.PENDING, actual, advice)

    def report_failure(self, name: str, actual: str, advice: str = "") -> Finding:
        return self._build_finding(name, ConditionState.FINAL, actual, advice)

    def _build_finding(self, name: str, state: ConditionState, actual: str, advice: str = "") -> Finding:
        return Finding(self.name, Condition(name, state, "", actual, advice))
