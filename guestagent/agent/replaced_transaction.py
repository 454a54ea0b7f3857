"""Finds a transaction that the source has replaced by another one under the same GTID."""

from __future__ import annotations

from collections.abc import Callable

from guestagent.agent.anchor import Anchor
from guestagent.agent.divergence import (
    SourceIdentity,
)
from guestagent.agent.gtid_position_repair import plan_position_repair
from guestagent.database.gtid_history import GtidHistory
from guestagent.database.state import ServerState, SourceState

CompareLogs = Callable[[GtidHistory, GtidHistory], str]
"""Returns a GTID between two histories with which the source has another transaction; "" if none is known so far."""


def compare_nothing(since: GtidHistory, until: GtidHistory) -> str:
    """Compare no logs."""
    return ""


def find_replaced_transaction(
    anchor: Anchor | None,
    source: SourceIdentity,
    server: ServerState,
    source_state: SourceState,
    compare: CompareLogs,
) -> str:
    """Return a GTID with which the source has another transaction than the replica; "" if there is none.

    The binary logs are compared in two cases: the source has another instance than in the anchor; or transactions of
    the replica's log are about to be recorded as applied, and a user may have written them there.
    """
    history = source_state.history
    if (
        history is None
        or history.family != server.history.family
        or server.history.format_difference(history)
    ):
        return ""
    if server.unrecorded_gtids is not None and plan_position_repair(server, history) is not None:
        return compare(server.unrecorded_gtids.applied_history, server.history)
    if anchor is None or anchor.has_same_instance(source, source_state):
        return ""
    return compare(server.history.parse(anchor.newest), server.history)
