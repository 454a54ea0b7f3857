"""Diagnoses of a database server's errors: their meaning, whether they are transient, and the advice. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from guestagent.database.state import ServerError


class FailureKind(str, Enum):
    """How to handle an error.

    RETRY: the server keeps trying, so wait until the deadline. REPAIR: the server has stopped, and the agent can start
    it again safely. FAIL: the error is permanent.
    """

    RETRY = "retry"
    REPAIR = "repair"
    FAIL = "fail"

    def __str__(self) -> str:
        return self.value


class FailureStage(str, Enum):
    """Where an error occurred: connecting to the source, in a stopped receiver, in the applier, or in a step."""

    CONNECTING = "connecting"
    RECEIVING = "receiving"
    APPLYING = "applying"
    STEP = "step"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The meaning of an error ("" if the server's text is clear enough), and advice for the operator ("" for none).

    `is_diverged`: the source no longer has the history that the replica has, so the channel must not be started again.
    """

    kind: FailureKind
    meaning: str = ""
    advice: str = ""
    is_diverged: bool = False


@dataclass(frozen=True, slots=True)
class ErrorRule:
    """A diagnosis for errors with one of these numbers whose text contains `text`."""

    numbers: frozenset[int]
    text: str
    diagnosis: Diagnosis


RulesByStage = Mapping[FailureStage, tuple[ErrorRule, ...]]
"""All rules of one family, by stage. The first matching rule of a stage counts."""


def diagnose_error(error: ServerError, stage: FailureStage, rules: RulesByStage) -> Diagnosis:
    """Return the diagnosis of the first rule of this stage that matches the error's number and text."""
    text = error.text.lower()
    for rule in rules[stage]:
        if error.number in rule.numbers and rule.text.lower() in text:
            return rule.diagnosis
    return DEFAULT_DIAGNOSES[stage]


def build_rule(
    kind: FailureKind,
    *numbers: int,
    meaning: str = "",
    advice: str = "",
    text: str = "",
    is_diverged: bool = False,
) -> ErrorRule:
    """Build a rule. `text` is a part of the error's text, in any case; "" matches every text."""
    return ErrorRule(frozenset(numbers), text, Diagnosis(kind, meaning, advice, is_diverged))


RETRY, REPAIR, FAIL = FailureKind.RETRY, FailureKind.REPAIR, FailureKind.FAIL

DEFAULT_DIAGNOSES = {
    FailureStage.CONNECTING: Diagnosis(RETRY),
    FailureStage.STEP: Diagnosis(RETRY, advice="see the server's error log"),
    FailureStage.RECEIVING: Diagnosis(FAIL, advice="see the replica's error log"),
    FailureStage.APPLYING: Diagnosis(
        FAIL, advice="see the replica's error log; remove the cause, then start the channel"
    ),
}
