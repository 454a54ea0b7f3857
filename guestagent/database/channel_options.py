"""Options of CHANGE that are the same for every channel: stated each time, and compared afterwards. Pure.

A server keeps what a CHANGE does not state, and RESET ... ALL keeps some of it too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from guestagent.database.replication_settings import format_setting


@dataclass(frozen=True, slots=True)
class UnexpectedOption:
    """An option of a channel with another value than the agent gives it. `skips`: changes may be left out by it."""

    name: str
    value: str
    can_skip_changes: bool = False

    def __str__(self) -> str:
        return format_setting(self.name, self.value)


@dataclass(frozen=True, slots=True)
class FixedOption:
    """An option that every channel of the agent's has alike.

    `spelling` is its value in a CHANGE; `column` shows it afterwards as `shown`, None being NULL. `since`: the first
    version that knows it, as MySQL writes it in a comment; 0 for all. `skips`: any other value may leave out changes.
    """

    name: str
    sql_value: str
    column: str
    status_value: str | None
    min_version: int = 0
    can_skip_changes: bool = False

    def __str__(self) -> str:
        assigned = f", {self.name} = {self.sql_value}"
        return f" /*!{self.min_version} {assigned} */" if self.min_version else assigned


def format_options(options: Iterable[FixedOption]) -> str:
    """The part of a CHANGE that states them, from its first comma on."""
    return "".join(map(str, options))


def find_unexpected_options(
    options: Iterable[FixedOption], row: Mapping[str, str | None]
) -> Iterator[UnexpectedOption]:
    """Those that the server shows with another value. What an older server does not show is not compared."""
    for option in options:
        if option.column in row and row[option.column] != option.status_value:
            yield UnexpectedOption(option.name, row[option.column] or "NULL", option.can_skip_changes)
