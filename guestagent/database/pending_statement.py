"""A statement of an earlier session of the agent that the server still executes. Pure."""

from __future__ import annotations

from dataclasses import dataclass

CHANNEL_VERBS = ("STOP", "START", "RESET", "CHANGE")
STEP_PREFIXES = (
    *CHANNEL_VERBS,
    "SET GLOBAL",
    "SET PERSIST",
    "CREATE USER",
    "CREATE OR REPLACE USER",
    "CREATE ROLE",
    "ALTER USER",
    "DROP USER",
    "GRANT",
    "REVOKE",
    "INSTALL PLUGIN",
)
"""The first words of all statements of steps."""

SHOWN_WORDS = 2
"""The first words of a statement, which contain no secret."""


@dataclass(frozen=True, slots=True)
class PendingStatement:
    """`name` is its first words, `state` and `seconds` come from the process list.

    `applier_states`: the states of the threads that apply changes, for which a statement on the channel waits.
    """

    name: str
    state: str
    seconds: int
    applier_states: tuple[str, ...] = ()

    def __str__(self) -> str:
        text = f"{self.name} has been running for {self.seconds} s"
        if self.applier_states:
            return f"{text}, because the applier is busy: {', '.join(self.applier_states)}"
        return f"{text}: {self.state}" if self.state else text


def is_channel_statement(name: str) -> bool:
    """Return whether a statement waits for the threads of a channel."""
    return name.startswith(CHANNEL_VERBS)


def shorten_statement(text: str) -> str:
    """Return the first words of a statement: the rest may contain a secret."""
    return " ".join(text.split()[:SHOWN_WORDS])
