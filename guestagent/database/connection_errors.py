"""Connection errors: which of them mean that the server cannot be reached, and their texts without statements. Pure."""

from __future__ import annotations

from guestagent.database.local_server_advice import get_connection_advice
from guestagent.errors import DatabaseUnreachable

UNREACHABLE_ERRORS = frozenset({0, 1040, 1053, 1927, 2002, 2003, 2006, 2013})
"""The server cannot be reached now: closed, too many connections, shutdown, killed, connection lost."""

CR_SERVER_LOST = 2013


class NoAnswer(DatabaseUnreachable):
    """A server that cannot be reached. `number` is the driver's or the server's, `text` describes the failure."""

    def __init__(self, operation: str, number: int, text: str) -> None:
        super().__init__(operation, number, text)
        self.operation, self.number, self.text = operation, number, text

    def __str__(self) -> str:
        return f"{self.operation}: {self.text}"

    @property
    def advice(self) -> str:
        return get_connection_advice(self.text)


def remove_query_text(text: str) -> str:
    """Return a server's error text without the statement that it quotes: that may show passwords in clear."""
    for quote in ("Query:", " near '"):
        text = text.partition(quote)[0]
    return " ".join(text.split()).rstrip(" ;,.")
