"""Options of CHANGE that are the same for every channel: set each time, and compared afterwards. Pure.

A server keeps the options that a CHANGE does not set, and even RESET ... ALL keeps some of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from guestagent.database.harmful_settings import format_setting


@dataclass(frozen=True, slots=True)
class UnexpectedOption:
    """An option of a channel with another value than the agent sets. `can_skip_changes`: it may lose changes."""

    name: str
    value: str
    can_skip_changes: bool = False

    def __str__(self) -> str:
        return format_setting(self.name, self.value)


@dataclass(frozen=True, slots=True)
class FixedOption:
    """An option that has the same value on every channel.

    `sql_value` is its value in a CHANGE; `column` of the status then has `status_value`, None for NULL. `min_version`:
    the first version with the option, as in a MySQL version comment; 0 for all versions. `can_skip_changes`: with any
    other value the channel may skip changes.
    """

    name: str
    sql_value: str
    column: str
    status_value: str | None
    min_version: int = 0
    can_skip_changes: bool = False

    def __str__(self) -> str:
        assignment = f", {self.name} = {self.sql_value}"
        return f" /*!{self.min_version} {assignment} */" if self.min_version else assignment


def format_options(options: Iterable[FixedOption]) -> str:
    """Return the part of a CHANGE that sets these options, from its first comma on."""
    return "".join(map(str, options))


def find_unexpected_options(
    options: Iterable[FixedOption], row: Mapping[str, str | None]
) -> Iterator[UnexpectedOption]:
    """Yield the options with another value in a status row. Options that an older server does not show are skipped."""
    for option in options:
        if option.column in row and row[option.column] != option.status_value:
            yield UnexpectedOption(option.name, row[option.column] or "NULL", option.can_skip_changes)
