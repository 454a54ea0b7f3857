"""How long a semi-synchronous source may withhold transactions that its replica has already. No I/O."""

from __future__ import annotations

from dataclasses import replace

from guestagent.agent.divergence import can_be_unacknowledged
from guestagent.database.state import ServerState, SourceState

ACKNOWLEDGEMENT_GRACE_S = 10.0
"""Added to the source's own timeout: commits that waited end one after the other."""


class AcknowledgementWait:
    """Counts the seconds since the replica was first seen ahead of commits that wait on its source.

    While they wait, the source shows less than it has sent. When its timeout ends, it shows them. A transaction that is
    missing then is really missing.
    """

    def __init__(self) -> None:
        self._first_time: float | None = None

    def limit(self, server: ServerState, source: SourceState, now: float) -> SourceState:
        """Return `source`, without its waiting sessions if they can no longer explain the replica's lead."""
        if not can_be_unacknowledged(server, source):
            self._first_time = None
            return source
        if self._first_time is None:
            self._first_time = now
        if now - self._first_time <= source.acknowledgement_timeout + ACKNOWLEDGEMENT_GRACE_S:
            return source
        return replace(source, waiting_session_count=0)
