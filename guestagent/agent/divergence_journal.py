"""Detects divergences when a replica and its source were observed, and records them in the journal."""

from __future__ import annotations

from guestagent.agent.divergence import (
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
from guestagent.agent.replaced_transaction import CompareLogs, compare_nothing, find_replaced_transaction
from guestagent.database.gtid_history import shorten_gtids
from guestagent.database.protocols import SqlDialect
from guestagent.database.state import ServerState, SourceState
from guestagent.metadata.document import Source

UNKNOWN_SOURCE = SourceState()


def identify_source(source: Source, source_state: SourceState | None) -> SourceIdentity:
    """Return the identity of the metadata's source. Its uuid is known only if the source was observed."""
    uuid = "" if source_state is None else source_state.uuid or source_state.server_uid or ""
    return SourceIdentity(str(source.address), source.port, uuid)


def record_divergence(
    journal: Journal,
    source: Source | None,
    server: ServerState,
    source_state: SourceState | None,
    dialect: SqlDialect,
    compare: CompareLogs = compare_nothing,
) -> Divergence | None:
    """Return the divergence because of which the source must not be followed; a new one is on the disk by then.

    The caller has observed the server before the source. `compare` looks for a transaction that differs in their binary
    logs. It is called if the source may have gone back in time since the last proof. Raises StorageError if the journal
    cannot be written: then the server must not be changed either.
    """
    if source is None or journal.loss:  # a lost journal must not be overwritten, and blocks everything
        return None
    if is_blank(server):
        journal.forget_divergences()
        return None
    identity = identify_source(source, source_state)
    is_accepted = is_source_accepted(journal.state.divergences, identity)
    if is_accepted and not find_rejection(identity, server.channel, dialect):
        journal.clear_acceptance()
    known_divergence = find_blocking_divergence(journal.state.divergences, identity)
    if known_divergence is not None:
        return known_divergence
    source_state = source_state or UNKNOWN_SOURCE
    replaced = find_replaced_transaction(journal.state.anchor, identity, server, source_state, compare)
    sighting = journal.state.sighting
    new_divergence = find_divergence(
        identity, server, source_state, sighting, dialect, replaced=replaced, accepted=is_accepted
    )
    for divergence in (new_divergence, find_former_divergence(identity, server, dialect)):
        if divergence is not None:
            journal.record_divergence(divergence)
    return new_divergence


def record_skipped_changes(journal: Journal, source: Source | None, skipped: str) -> None:
    """Record settings of channels with names, which may have left out changes of the source.

    The server is not observed further while it has such channels, and the settings disappear together with them.
    """
    if source is not None and skipped and not journal.loss:
        journal.record_divergence(Divergence(identify_source(source, None), skipped=skipped))


def record_unlogged_changes(
    journal: Journal, source: Source | None, source_state: SourceState | None, reason: str
) -> Divergence | None:
    """Record that the logs since the source's restart can never be compared, because of this server's own log."""
    if source is None or not reason:
        return None
    history = None if source_state is None else source_state.history
    divergence = Divergence(
        identify_source(source, source_state),
        uncompared=reason,
        history="" if history is None else shorten_gtids(str(history)),
    )
    journal.record_divergence(divergence)
    return divergence


def find_known_divergence(
    state: JournalState, source: Source | None, source_state: SourceState | None
) -> Divergence | None:
    """Return the divergence that the journal contains, without a search for a new one: for a dry run."""
    if source is None:
        return None
    return find_blocking_divergence(state.divergences, identify_source(source, source_state))
