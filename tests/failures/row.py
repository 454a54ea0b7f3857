"""A row of the failure table: how to cause a failure on real servers, and how the agent must report it."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from enum import Enum

from tests.failures.server_pair import ApplyAnswer, Pair


class Ending(str, Enum):
    """How a pass ends.

    LATE: the agent waited until the deadline for a failure that may be temporary. INVALID: it rejected the document.
    """

    READY = "ready"
    FINAL = "final"
    LATE = "late"
    INVALID = "invalid"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Expectation:
    """The ending, the name of the worst condition, and a part of the reason."""

    ending: Ending
    condition: str = ""
    text: str = ""

    def matches(self, answer: ApplyAnswer) -> bool:
        return (
            classify_ending(answer) is self.ending
            and answer.worst_condition == self.condition
            and self.text in answer.reason
        )


READY = Expectation(Ending.READY)
SPELLINGS = {
    "ca": "CA",
    "gtid": "GTID",
    "gtids": "GTIDs",
    "innodb": "InnoDB",
    "json": "JSON",
    "tls": "TLS",
    "uuid": "UUID",
}


def expect_final(condition: str, text: str) -> Expectation:
    """Expect a permanent failure, reported at once."""
    return Expectation(Ending.FINAL, condition, text)


def expect_late(condition: str, text: str) -> Expectation:
    """Expect a failure that may be temporary, reported at the deadline."""
    return Expectation(Ending.LATE, condition, text)


def expect_invalid(text: str) -> Expectation:
    """Expect that the agent rejects the document."""
    return Expectation(Ending.INVALID, "", text)


def classify_ending(answer: ApplyAnswer) -> Ending:
    """Return how the pass ended."""
    if answer.is_invalid:
        return Ending.INVALID
    if answer.is_ready:
        return Ending.READY
    return Ending.FINAL if answer.is_final else Ending.LATE


Scenario = Callable[[Pair], Generator[ApplyAnswer, None, None]]
"""Causes the failure, yields the answer of an agent, and then removes the cause if that is possible."""


@dataclass(frozen=True, slots=True)
class FailureRow:
    """`expectations` by flavour or family.

    `is_healed`: after the cause is removed, the replica must become ready again with every row.
    """

    area: str
    title: str
    scenario: Scenario
    expectations: dict[str, Expectation]
    is_healed: bool
    is_quick: bool

    def select_expectation(self, flavour: str, family: str) -> Expectation | None:
        """Return None if this flavour cannot fail in this way."""
        return self.expectations.get(flavour) or self.expectations.get(family)


@dataclass(slots=True)
class FailureArea:
    """Rows on one subject, in the order of the file."""

    title: str
    rows: list[FailureRow] = field(default_factory=list)

    def row(
        self,
        expectation: Expectation | None = None,
        /,
        *,
        heals: bool = True,
        quick: bool = False,
        **by_server: Expectation,
    ) -> Callable[[Scenario], Scenario]:
        """Add the decorated scenario as a row; its name becomes the title.

        `expectation` holds for both families, a keyword for the family or flavour of that name. `make test` runs
        the `quick` rows.
        """
        of_both = {} if expectation is None else {"mariadb": expectation, "mysql": expectation}

        def add_row(scenario: Scenario) -> Scenario:
            title = _format_title(scenario.__name__)
            self.rows.append(FailureRow(self.title, title, scenario, of_both | by_server, heals, quick))
            return scenario

        return add_row


def _format_title(name: str) -> str:
    """Return the words of a function's name, with the abbreviations and possessives that a name cannot have."""
    words = re.sub(r"_s(?=_|$)", "'s", name).split("_")
    return " ".join(SPELLINGS.get(word, word) for word in words)
