"""The anchor: the last proof that a replica and its source have one history. Pure.

An instance of a source is a run of its process without a RESET. No single sign identifies one. The start time is exact
to some seconds only, and a virtual machine that returns to a snapshot of its memory keeps it. The number of connections
since the start only grows while a process runs, so a lower one proves another instance; a higher one proves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from guestagent.agent.divergence import SourceIdentity
from guestagent.database.gtid_history import GtidHistory
from guestagent.database.state import ServerState, SourceState

CLOCK_TOLERANCE_S = 3

AcceptedTimes = tuple[tuple[str, int], ...]
"""GTIDs, and the times of their transactions in the source's binary log."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """The newest transactions of a replica when it last had all those of its source, and the source's instance then.

    A history goes back in time only with a new instance (or if it is another server): only then are the binary logs of
    both compared from here on. If that takes several passes, `newest` moves on to what was compared, and the instance
    remains the former one.

    `connections` is the number of connections that the instance had accepted. `accepted` are transactions of `newest`
    that a person has accepted although they may be others in the replica's log. `uncompared` is why the logs of this
    instance or of an earlier one could not be compared, "" if they were.
    """

    source: SourceIdentity
    started: int
    resets: int
    newest: str
    connections: int = 0
    accepted: AcceptedTimes = ()
    uncompared: str = ""

    def has_same_instance(self, source: SourceIdentity, source_state: SourceState) -> bool:
        """Whether the source seems to have run without a restart and without a RESET since then."""
        return (
            self.source.is_same(source)
            and source_state.start_time is not None
            and abs(source_state.start_time - self.started) <= CLOCK_TOLERANCE_S
            and source_state.reset_count == self.resets
            and (source_state.connection_count is None or source_state.connection_count >= self.connections)
        )


def build_anchor(
    source: SourceIdentity,
    source_state: SourceState,
    newest: GtidHistory | None = None,
    accepted: Mapping[str, int] | None = None,
    uncompared: str = "",
) -> Anchor | None:
    """Return an anchor at the source's present instance; None if that is not known."""
    if source_state.start_time is None:
        return None
    return Anchor(
        source,
        source_state.start_time,
        source_state.reset_count,
        "" if newest is None else str(newest),
        source_state.connection_count or 0,
        tuple(sorted((accepted or {}).items())),
        uncompared,
    )


def find_anchor(
    source: SourceIdentity,
    server: ServerState,
    source_state: SourceState,
    known: Anchor | None,
    uncompared: str = "",
) -> Anchor | None:
    """Return the anchor of a replica that has all transactions of its source; `known` if it is equivalent.

    `uncompared`: why the logs of this instance cannot be compared. The reason remains for all later instances: what
    was not compared then is never compared.
    """
    if server.history.is_empty:
        return None
    newest = server.history.newest_gtids
    is_same_source = known is not None and known.source.is_same(source)
    if known is not None and is_same_source:
        uncompared = known.uncompared or uncompared
    if (
        known is not None
        and known.newest == str(newest)
        and known.source == source
        and known.uncompared == uncompared
        and known.has_same_instance(source, source_state)
    ):
        return known
    accepted = dict(known.accepted) if known is not None and is_same_source else {}
    return build_anchor(source, source_state, newest, accepted, uncompared)
