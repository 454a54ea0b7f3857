"""A row of the failure table: how a failure is made on real servers, and what the agent must say of it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from enum import Enum

from tests.failures.server_pair import ApplyAnswer, Pair


class Ending(str, Enum):
    """How a pass ends. LATE: what may pass was waited for until the deadline. INVALID: nothing was tried."""

    READY = "ready"
    FINAL = "final"
    LATE = "late"
    INVALID = "invalid"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Expectation:
    """The ending, the condition that is the worst then, and a part of what is said of it."""

    ending: Ending
    condition: str = ""
    text: str = ""

    def matches(self, told: ApplyAnswer) -> bool:
        return (
            classify_ending(told) is self.ending
            and told.worst_condition == self.condition
            and self.text in told.reason
        )


READY = Expectation(Ending.READY)


def expect_final(condition: str, text: str) -> Expectation:
    """It will not pass: said at once."""
    return Expectation(Ending.FINAL, condition, text)


def expect_late(condition: str, text: str) -> Expectation:
    """It may pass: waited for, and said at the deadline."""
    return Expectation(Ending.LATE, condition, text)


def expect_invalid(text: str) -> Expectation:
    """The document itself is refused."""
    return Expectation(Ending.INVALID, "", text)


def classify_ending(told: ApplyAnswer) -> Ending:
    """Which one a pass had."""
    if told.is_invalid:
        return Ending.INVALID
    if told.is_ready:
        return Ending.READY
    return Ending.FINAL if told.is_final else Ending.LATE


Scenario = Callable[[Pair], Generator[ApplyAnswer, None, None]]
"""Makes the failure, yields what an agent says of it, and (where that can be) takes the cause away."""


@dataclass(frozen=True, slots=True)
class FailureRow:
    """`says` by flavour or family. `heals`: once the cause is gone the pair must hold again, with every row."""

    area: str
    title: str
    scenario: Scenario
    expectations: dict[str, Expectation]
    is_healed: bool
    is_quick: bool

    def select_expectation(self, flavour: str, family: str) -> Expectation | None:
        """None where this flavour knows no such failure."""
        return self.expectations.get(flavour) or self.expectations.get(family)


@dataclass(slots=True)
class FailureArea:
    """Rows about one thing, in the order in which the file has them."""

    title: str
    rows: list[FailureRow] = field(default_factory=list)

    def row(
        self,
        says: Expectation | None = None,
        /,
        *,
        heals: bool = True,
        quick: bool = False,
        **others: Expectation,
    ) -> Callable[[Scenario], Scenario]:
        """The decorated function is a row, and its name the row's words.

        `says` is of both families, `others` of those named: mariadb, mysql, or one flavour. `quick` rows are run
        with every submission.
        """
        known = {} if says is None else {"mariadb": says, "mysql": says}

        def added(story: Scenario) -> Scenario:
            words = story.__name__.replace("_s_", "'s ").replace("_", " ")
            self.rows.append(FailureRow(self.title, words, story, known | others, heals, quick))
            return story

        return added
