"""What a look at a replica and its source means for their partings, and what the journal must keep of it."""

from __future__ import annotations

from guestagent.agent.journal import Journal, Memory
from guestagent.agent.parting import (
    Parting,
    SourceIdentity,
    find_applicable,
    find_former_parting,
    find_parting,
    find_rejection,
    is_accepted,
    is_blank,
)
from guestagent.database.edge import Dialect
from guestagent.database.state import ServerState, SourceState
from guestagent.metadata.document import Source

NOT_SEEN = SourceState()


def identify_source(wanted: Source, seen: SourceState | None) -> SourceIdentity:
    """Name the source that the metadata wants. Its uuid is known only if it answered."""
    uuid = "" if seen is None else seen.uuid or seen.uid or ""
    return SourceIdentity(str(wanted.address), wanted.port, uuid)


def remember_parting(
    journal: Journal, wanted: Source | None, server: ServerState, seen: SourceState | None, dialect: Dialect
) -> Parting | None:
    """Return the parting that forbids to follow the wanted source. A new one is on the disk before this returns.

    The caller has looked at the server before it looked at the source. StorageError if the journal cannot be written:
    then nothing may be done to the server either.
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
    found = find_parting(source, server, seen or NOT_SEEN, journal.memory.sighting, dialect, accepted=accepted)
    former = find_former_parting(source, server, dialect)
    for parting in (found, former):
        if parting is not None:
            journal.part(parting)
    return found


def recall_parting(memory: Memory, wanted: Source | None, seen: SourceState | None) -> Parting | None:
    """Return the parting that the journal knows, without a look for a new one: for a dry run."""
    return None if wanted is None else find_applicable(memory.partings, identify_source(wanted, seen))
