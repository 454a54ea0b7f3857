"""Divergences: a replica and its source that no longer have the same history. Pure.

A GTID identifies the server that numbered a transaction, not its content. A source that lost transactions (an older
cold copy, RESET, a new and empty server) assigns the same numbers again, so that its history contains the replica's
once more, with different rows. A divergence therefore does not disappear with time: the journal records it, and only a
person or a new copy ends it.

Little must be recorded about the source. Everything that the replica has executed is in its own history, on its own
disk, and the next observation finds a source that lacks some of it. Only what the source had *beyond* that must be
recorded, and of that the newest transaction of each origin is enough: a source that goes back in time loses the newest
ones first. For a replica that has caught up this is nothing, so a pass over an idle cluster writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from guestagent.agent.changes_under_own_id import describe_left_out_transactions
from guestagent.agent.refusal import Refusal
from guestagent.agent.skip_settings import describe_skip_settings
from guestagent.database.error_diagnosis import FailureStage
from guestagent.database.gtid_history import shorten_gtids
from guestagent.database.protocols import SqlDialect
from guestagent.database.state import ChannelState, ReceiverState, ServerState, SourceState

ACCEPT_COMMAND = "guestagent accept-source"
LOG_ADVICE = "set log_slave_updates (MySQL: log_replica_updates) to ON in the option file"


@dataclass(frozen=True, slots=True, order=True)
class SourceIdentity:
    """A source: its address and port in the metadata, and the uuid of its server ("" if it is not known)."""

    address: str
    port: int
    uuid: str = ""

    def is_same(self, other: SourceIdentity) -> bool:
        """Whether both may be the same source: a rebuilt server keeps its address, a moved one its uuid.

        A server at another address with another uuid is a different source. It only has to contain the replica's
        history.
        """
        return (self.address, self.port) == (other.address, other.port) or self.has_same_uuid(other)

    def has_same_uuid(self, other: SourceIdentity) -> bool:
        return bool(self.uuid) and self.uuid == other.uuid

    def __str__(self) -> str:
        return f"{self.address}:{self.port}"


@dataclass(frozen=True, slots=True)
class Sighting:
    """The newest transactions that a source has shown and that the replica did not have yet."""

    source: SourceIdentity
    newest: str

    def is_binding(self, source: SourceIdentity, *, by_uuid: bool) -> bool:
        """Whether `source` must still have these transactions.

        `by_uuid`: a server numbers transactions under its uuid (MySQL). A server with another uuid has taken over the
        address: it need not have what the replica never executed.
        """
        return self.source.has_same_uuid(source) if by_uuid else self.source.is_same(source)


@dataclass(frozen=True, slots=True, order=True)
class Divergence:
    """A divergence from a source, with its evidence ("" for none) and the beginning of the source's history then.

    `errant`: transactions of the replica that the source did not have. `lost`: transactions that the source had shown
    and no longer had. `replaced`: a transaction that is another one in the source's binary log. `rejected`: the error
    with which the source refused to send. `skipped`: settings with which the replica may have left out some of the
    source's changes. `uncompared`: why the binary logs since the source's restart can never be compared here.
    `accepted`: a person has accepted the source, but its channel, which the error has stopped, does not run yet.
    """

    source: SourceIdentity
    errant: str = ""
    lost: str = ""
    replaced: str = ""
    rejected: str = ""
    history: str = ""
    accepted: bool = False
    skipped: str = ""
    uncompared: str = ""

    @property
    def has_skipped_only(self) -> bool:
        """Whether the histories agree, but changes may be missing."""
        return bool(self.skipped) and not any(
            (self.errant, self.lost, self.replaced, self.rejected, self.uncompared)
        )

    def __str__(self) -> str:
        evidence = [f"errant transactions {shorten_gtids(self.errant)}"] if self.errant else []
        if self.lost:
            evidence.append(f"the source has lost {shorten_gtids(self.lost)}, which it had shown")
        if self.replaced:
            evidence.append(f"the source has another transaction under {self.replaced}")
        if self.rejected:
            evidence.append(f"the source rejected the receiver: {self.rejected}")
        if self.uncompared:
            evidence.append(
                f"the source's transactions since its restart cannot be verified: {self.uncompared}"
            )
        if self.skipped:
            evidence.append(f"changes were left out while this replica had {self.skipped}")
        return f"diverged from the source {self.source}: {'; '.join(evidence)}"


def find_divergence(
    source: SourceIdentity,
    server: ServerState,
    source_state: SourceState,
    sighting: Sighting | None,
    dialect: SqlDialect,
    *,
    replaced: str = "",
    accepted: bool = False,
) -> Divergence | None:
    """Return the divergence that an observation proves. The replica was observed *before* the source.

    In that order the source shows everything that the replica got from it. `replaced`: a transaction that differs in
    their binary logs. `accepted`: a person has accepted the error that has stopped the receiver.
    """
    if is_blank(server):
        return None
    rejected = "" if accepted else find_rejection(source, server.channel, dialect)
    skipped = ", ".join(
        filter(
            None,
            (describe_skip_settings(server), describe_left_out_transactions(server, source_state.history)),
        )
    )
    result = Divergence(source, replaced=replaced, rejected=rejected, skipped=skipped)
    if source_state.history is not None and source_state.history.family == server.history.family:
        errant = (
            ""
            if can_be_unacknowledged(server, source_state)
            else server.history.format_difference(source_state.history)
        )
        if server.unrecorded_gtids is not None and server.unrecorded_gtids.recovered_gtids == errant:
            errant = ""  # not a user's write: `plan` rejects it with its own reason, at every pass
        lost = ""
        if sighting is not None and sighting.is_binding(source, by_uuid=source_state.uuid is not None):
            lost = server.history.parse(sighting.newest).format_difference(source_state.history)
        result = replace(result, errant=errant, lost=lost)
    if not any((result.errant, result.lost, result.replaced, result.rejected, result.skipped)):
        return None
    # Formatted only now: a history of 20 000 intervals takes some time.
    history = "" if source_state.history is None else shorten_gtids(str(source_state.history))
    return replace(result, history=history)


def find_former_divergence(
    source: SourceIdentity, server: ServerState, dialect: SqlDialect
) -> Divergence | None:
    """Return the divergence from the channel's present source, if the metadata has another one."""
    if server.channel is None:
        return None
    former_source = SourceIdentity(server.channel.endpoint.host, server.channel.endpoint.port)
    rejected = find_rejection(former_source, server.channel, dialect)
    is_other_source = not former_source.is_same(source)
    return Divergence(former_source, rejected=rejected) if rejected and is_other_source else None


def find_rejection(source: SourceIdentity, channel: ChannelState | None, dialect: SqlDialect) -> str:
    """Return the error with which this source has stopped the I/O thread because the histories differ; "" for none."""
    if channel is None or channel.receiver is not ReceiverState.STOPPED or channel.receiver_error is None:
        return ""
    if (channel.endpoint.host, channel.endpoint.port) != (source.address, source.port):
        return ""
    error = channel.receiver_error
    return str(error) if dialect.diagnose_error(error, FailureStage.RECEIVING).is_diverged else ""


def can_be_unacknowledged(server: ServerState, source_state: SourceState) -> bool:
    """Whether the errant transactions may be some that wait for an acknowledgement at the source.

    A semi-synchronous MySQL sends a transaction, and shows it only when enough replicas have it. All such
    transactions have the source's own uuid, and as many sessions wait.
    """
    if not source_state.waiting_session_count or source_state.uuid is None or source_state.history is None:
        return False
    errant = server.history.format_difference(source_state.history)
    return bool(errant) and server.history.parse(errant).origins == {source_state.uuid.lower()}


def find_sighting(source: SourceIdentity, server: ServerState, source_state: SourceState) -> Sighting | None:
    """Return what must be recorded about the source beyond the replica's own history; None if that is nothing."""
    if source_state.history is None or source_state.history.family != server.history.family:
        return None
    difference = source_state.history.format_difference(server.history)
    return Sighting(source, str(server.history.parse(difference).newest_gtids)) if difference else None


def is_blank(server: ServerState) -> bool:
    """Whether the server has nothing that can contradict a source: no transaction, no data, no channel."""
    return server.history.is_empty and not server.schemas and server.channel is None


def find_blocking_divergence(divergences: Iterable[Divergence], source: SourceIdentity) -> Divergence | None:
    """Return the divergence because of which the replica must not follow `source`; None if there is none."""
    blocking = (item for item in sorted(divergences) if not item.accepted and item.source.is_same(source))
    return next(blocking, None)


def is_source_accepted(divergences: Iterable[Divergence], source: SourceIdentity) -> bool:
    """Whether a person has accepted this source and its channel does not run yet."""
    return any(item.accepted and item.source.is_same(source) for item in divergences)


def describe_divergence(divergence: Divergence) -> Refusal:
    """Return the refusal to replicate from a source from which this replica has diverged."""
    if divergence.has_skipped_only:
        do = (
            "the setting is gone, but not its effect: compare the data, and replace this replica's with "
            "`guestagent reseed`; or, if "
            f"the data agree with the source's, run `{ACCEPT_COMMAND}` on this node"
        )
        return Refusal("skipped changes", "every change of the source applied here", str(divergence), do)
    log_advice = f"{LOG_ADVICE}; " if divergence.uncompared else ""
    do = (
        f"{log_advice}nothing was changed; the channel will not be started again, whatever happens on the source; "
        "compare the data, save what you need, then replace this replica's data with `guestagent reseed`; "
        f"or, if the data agree with the source's, run `{ACCEPT_COMMAND}` on this node"
    )
    return Refusal(
        "history",
        "no transactions that the source lacks, and a source that has lost none",
        str(divergence),
        do,
    )
