"""A row of the failure table: how a failure is made on real servers, and what the agent must say of it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from enum import Enum

from tests.failures.pair import Pair, Told


class Ending(str, Enum):
    """How a pass ends. LATE: what may pass was waited for until the deadline. INVALID: nothing was tried."""

    READY = "ready"
    FINAL = "final"
    LATE = "late"
    INVALID = "invalid"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Says:
    """The ending, the condition that is the worst then, and a part of what is said of it."""

    ending: Ending
    condition: str = ""
    text: str = ""

    def fits(self, told: Told) -> bool:
        return ending(told) is self.ending and told.worst == self.condition and self.text in told.reason


READY = Says(Ending.READY)


def final(condition: str, text: str) -> Says:
    """It will not pass: said at once."""
    return Says(Ending.FINAL, condition, text)


def late(condition: str, text: str) -> Says:
    """It may pass: waited for, and said at the deadline."""
    return Says(Ending.LATE, condition, text)


def invalid(text: str) -> Says:
    """The document itself is refused."""
    return Says(Ending.INVALID, "", text)


def ending(told: Told) -> Ending:
    """Which one a pass had."""
    if told.invalid:
        return Ending.INVALID
    if told.ready:
        return Ending.READY
    return Ending.FINAL if told.final else Ending.LATE


Story = Callable[[Pair], Generator[Told, None, None]]
"""Makes the failure, yields what an agent says of it, and (where that can be) takes the cause away."""


@dataclass(frozen=True, slots=True)
class Row:
    """`says` by flavour or family. `heals`: once the cause is gone the pair must hold again, with every row."""

    area: str
    words: str
    story: Story
    says: dict[str, Says]
    heals: bool
    quick: bool

    def expected(self, flavour: str, family: str) -> Says | None:
        """None where this flavour knows no such failure."""
        return self.says.get(flavour) or self.says.get(family)


@dataclass(slots=True)
class Area:
    """Rows about one thing, in the order in which the file has them."""

    about: str
    rows: list[Row] = field(default_factory=list)

    def row(
        self, says: Says | None = None, /, *, heals: bool = True, quick: bool = False, **others: Says
    ) -> Callable[[Story], Story]:
        """The decorated function is a row, and its name the row's words.

        `says` is of both families, `others` of those named: mariadb, mysql, or one flavour. `quick` rows are run
        with every submission.
        """
        known = {} if says is None else {"mariadb": says, "mysql": says}

        def added(story: Story) -> Story:
            words = story.__name__.replace("_s_", "'s ").replace("_", " ")
            self.rows.append(Row(self.about, words, story, known | others, heals, quick))
            return story

        return added
