"""What a look at a replica and its source means for their partings, and what the journal must keep of it."""

from __future__ import annotations

from collections.abc import Callable

from guestagent.agent.divergence import (
    Anchor,
    Divergence,
    SourceIdentity,
    find_blocking_divergence,
    find_divergence,
    find_former_divergence,
    find_rejection,
    is_blank,
    is_source_accepted,
)
from guestagent.agent.journal import Journal
from guestagent.agent.journal_state import JournalState
from guestagent.agent.position_repair import plan_position_repair
from guestagent.database.gtid_history import GtidHistory
from guestagent.database.protocols import SqlDialect
from guestagent.database.state import ServerState, SourceState
from guestagent.metadata.document import Source

UNKNOWN_SOURCE = SourceState()
CompareLogs = Callable[[GtidHistory, GtidHistory], str]
"""Returns a GTID between two histories under which the source has another transaction; "" if none is known so far."""


def compare_nothing(since: GtidHistory, until: GtidHistory) -> str:
    """Compare no logs."""
    return ""


def identify_source(wanted: Source, seen: SourceState | None) -> SourceIdentity:
    """Name the source that the metadata wants. Its uuid is known only if it answered."""
    uuid = "" if seen is None else seen.uuid or seen.server_uid or ""
    return SourceIdentity(str(wanted.address), wanted.port, uuid)


def record_divergence(
    journal: Journal,
    wanted: Source | None,
    server: ServerState,
    seen: SourceState | None,
    dialect: SqlDialect,
    compare: CompareLogs = compare_nothing,
) -> Divergence | None:
    """Return the parting that forbids to follow the wanted source. A new one is on the disk before this returns.

    The caller has looked at the server before it looked at the source. `compare` is called for a transaction that
    differs in their binary logs, if the source may have gone back in time since it was last proved. StorageError if the
    journal cannot be written: then nothing may be done to the server either.
    """
    if wanted is None or journal.loss:  # a lost journal is overwritten by nothing, and forbids everything
        return None
    if is_blank(server):
        journal.forget_divergences()
        return None
    source = identify_source(wanted, seen)
    accepted = is_source_accepted(journal.state.partings, source)
    if accepted and not find_rejection(source, server.channel, dialect):
        journal.clear_acceptance()
    known = find_blocking_divergence(journal.state.partings, source)
    if known is not None:
        return known
    seen = seen or UNKNOWN_SOURCE
    replaced = find_replaced_transaction(journal.state.anchor, source, server, seen, compare)
    found = find_divergence(
        source, server, seen, journal.state.sighting, dialect, replaced=replaced, accepted=accepted
    )
    former = find_former_divergence(source, server, dialect)
    for parting in (found, former):
        if parting is not None:
            journal.record_divergence(parting)
    return found


def find_replaced_transaction(
    anchor: Anchor | None,
    source: SourceIdentity,
    server: ServerState,
    seen: SourceState,
    compare: CompareLogs,
) -> str:
    """Compare the logs if the source has begun another life since the anchor, and before what the replica has logged is
    recorded as applied: somebody may have written it there. "" if neither is so, or if they agree.
    """
    history = seen.history
    if (
        history is None
        or history.family != server.history.family
        or server.history.format_difference(history)
    ):
        return ""
    if server.unrecorded_gtids is not None and plan_position_repair(server, history) is not None:
        return compare(server.unrecorded_gtids.applied_history, server.history)
    if anchor is None or anchor.has_same_instance(source, seen):
        return ""
    return compare(server.history.parse(anchor.newest), server.history)


def find_known_divergence(
    memory: JournalState, wanted: Source | None, seen: SourceState | None
) -> Divergence | None:
    """Return the parting that the journal knows, without a look for a new one: for a dry run."""
    return (
        None if wanted is None else find_blocking_divergence(memory.partings, identify_source(wanted, seen))
    )
