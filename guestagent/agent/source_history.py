"""What a look at a replica and its source means for their partings, and what the journal must keep of it."""

from __future__ import annotations

from collections.abc import Callable

from guestagent.agent.journal import Journal
from guestagent.agent.journal_memory import Memory
from guestagent.agent.parting import (
    Anchor,
    Parting,
    SourceIdentity,
    find_applicable,
    find_former_parting,
    find_parting,
    find_rejection,
    is_accepted,
    is_blank,
)
from guestagent.agent.unrecorded import plan_record
from guestagent.database.edge import Dialect
from guestagent.database.gtid import History
from guestagent.database.state import ServerState, SourceState
from guestagent.metadata.document import Source

NOT_SEEN = SourceState()
CompareLogs = Callable[[History, History], str]
"""Returns a GTID between two histories under which the source has another transaction; "" if none is known so far."""


def compare_nothing(since: History, until: History) -> str:
    """Compare no logs."""
    return ""


def identify_source(wanted: Source, seen: SourceState | None) -> SourceIdentity:
    """Name the source that the metadata wants. Its uuid is known only if it answered."""
    uuid = "" if seen is None else seen.uuid or seen.uid or ""
    return SourceIdentity(str(wanted.address), wanted.port, uuid)


def remember_parting(
    journal: Journal,
    wanted: Source | None,
    server: ServerState,
    seen: SourceState | None,
    dialect: Dialect,
    compare: CompareLogs = compare_nothing,
) -> Parting | None:
    """Return the parting that forbids to follow the wanted source. A new one is on the disk before this returns.

    The caller has looked at the server before it looked at the source. `compare` is called for a transaction that
    differs in their binary logs, if the source may have gone back in time since it was last proved. StorageError if the
    journal cannot be written: then nothing may be done to the server either.
    """
    if wanted is None or journal.loss:  # a lost journal is overwritten by nothing, and forbids everything
        return None
    if is_blank(server):
        journal.forget_partings()
        return None
    source = identify_source(wanted, seen)
    accepted = is_accepted(journal.memory.partings, source)
    if accepted and not find_rejection(source, server.channel, dialect):
        journal.channel_runs()
    known = find_applicable(journal.memory.partings, source)
    if known is not None:
        return known
    seen = seen or NOT_SEEN
    replaced = find_replaced(journal.memory.anchor, source, server, seen, compare)
    found = find_parting(
        source, server, seen, journal.memory.sighting, dialect, replaced=replaced, accepted=accepted
    )
    former = find_former_parting(source, server, dialect)
    for parting in (found, former):
        if parting is not None:
            journal.part(parting)
    return found


def find_replaced(
    anchor: Anchor | None, source: SourceIdentity, server: ServerState, seen: SourceState, compare: CompareLogs
) -> str:
    """Compare the logs if the source has begun another life since the anchor, and before what the replica has logged is
    recorded as applied: somebody may have written it there. "" if neither is so, or if they agree.
    """
    history = seen.history
    if history is None or history.family != server.history.family or server.history.beyond(history):
        return ""
    if server.unrecorded is not None and plan_record(server, history) is not None:
        return compare(server.unrecorded.applied, server.history)
    if anchor is None or anchor.has_same_life(source, seen):
        return ""
    return compare(server.history.of(anchor.newest), server.history)


def recall_parting(memory: Memory, wanted: Source | None, seen: SourceState | None) -> Parting | None:
    """Return the parting that the journal knows, without a look for a new one: for a dry run."""
    return None if wanted is None else find_applicable(memory.partings, identify_source(wanted, seen))
