"""Partings: a replica and its source that no longer have one history. Pure.

A GTID says who gave a number to a transaction, not what is in it. A source that lost transactions (an older cold copy,
RESET, a new and empty server) gives the same numbers again, so that its history contains the replica's once more, with
different rows. Time therefore heals no parting: the journal remembers it, and only a person or a new copy ends it.

What must be remembered of the source is little. Everything that the replica has executed stands in its own history, on
its own disk, and the next look finds a source that lacks some of it. Only what the source had *beyond* that must be
noted, and of that the newest transaction of each origin is enough: a source that goes back in time loses the newest
ones first. For a replica that has caught up this is nothing, so a pass over an idle cluster writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from guestagent.agent.own_server_id import describe_left_out_transactions
from guestagent.agent.refusal import Refusal
from guestagent.agent.skip_settings import describe_skip_settings
from guestagent.database.diagnosis import FailureStage
from guestagent.database.gtid_history import shorten_gtids
from guestagent.database.protocols import SqlDialect
from guestagent.database.state import ChannelState, ReceiverState, ServerState, SourceState

CLOCK_TOLERANCE_S = 3
ACCEPT_COMMAND = "guestagent accept-source"


@dataclass(frozen=True, slots=True, order=True)
class SourceIdentity:
    """Which source it is: the address and port of the metadata, and the server's uuid ("" if it is not known)."""

    address: str
    port: int
    uuid: str = ""

    def is_same(self, other: SourceIdentity) -> bool:
        """Whether this may be the same source: a rebuilt server keeps its address, a moved one its uuid.

        A server at another address with another uuid is a different source, which only has to contain our history.
        """
        return (self.address, self.port) == (other.address, other.port) or self.has_same_uuid(other)

    def has_same_uuid(self, other: SourceIdentity) -> bool:
        return bool(self.uuid) and self.uuid == other.uuid

    def __str__(self) -> str:
        return f"{self.address}:{self.port}"


@dataclass(frozen=True, slots=True)
class Sighting:
    """The newest transactions that a source has shown and the replica did not have yet."""

    source: SourceIdentity
    newest: str

    def is_binding(self, source: SourceIdentity, *, by_uuid: bool) -> bool:
        """Whether `source` must still have these transactions.

        `by_uuid`: a server gives its numbers under its uuid (MySQL). One with another uuid took over the address: it
        need not have what the replica never executed.
        """
        return self.source.has_same_uuid(source) if by_uuid else self.source.is_same(source)


@dataclass(frozen=True, slots=True)
class Anchor:
    """The newest transactions that a replica had when it last held all that its source had, and the source's life then.

    A history goes back in time only where the server's process starts anew, or with a RESET (or it is another server):
    only then the binary logs of both are compared from here on. While that takes several passes, `newest` moves on to
    what was compared, and the life remains the former one.
    """

    source: SourceIdentity
    started: int
    resets: int
    newest: str

    def has_same_instance(self, source: SourceIdentity, seen: SourceState) -> bool:
        """Whether the source has run without a break, and without a RESET, since then."""
        return (
            self.source.is_same(source)
            and seen.start_time is not None
            and abs(seen.start_time - self.started) <= CLOCK_TOLERANCE_S
            and seen.reset_count == self.resets
        )


@dataclass(frozen=True, slots=True, order=True)
class Divergence:
    """A parting from a source, with its evidence ("" for none) and the beginning of the source's history at that time.

    `errant`: transactions of the replica that the source did not have. `lost`: transactions that the source had shown
    and no longer had. `replaced`: a transaction that is another one in the source's binary log. `rejected`: the error
    with which the source's server refused to send. `skipped`: settings with which the replica may have left out some of
    the source's changes. `accepted`: a person has accepted the source, but its channel, which the error has stopped,
    does not run yet.
    """

    source: SourceIdentity
    errant: str = ""
    lost: str = ""
    replaced: str = ""
    rejected: str = ""
    history: str = ""
    accepted: bool = False
    skipped: str = ""

    @property
    def has_skipped_only(self) -> bool:
        """Whether the histories agree, and changes may be missing all the same."""
        return bool(self.skipped) and not (self.errant or self.lost or self.replaced or self.rejected)

    def __str__(self) -> str:
        evidence = [f"errant transactions {shorten_gtids(self.errant)}"] if self.errant else []
        if self.lost:
            evidence.append(f"the source has lost {shorten_gtids(self.lost)}, which it had shown")
        if self.replaced:
            evidence.append(f"the source has another transaction under {self.replaced}")
        if self.rejected:
            evidence.append(f"the source rejected the receiver: {self.rejected}")
        if self.skipped:
            evidence.append(f"changes were left out while this replica had {self.skipped}")
        return f"parted from the source {self.source}: {'; '.join(evidence)}"


def find_divergence(
    source: SourceIdentity,
    server: ServerState,
    seen: SourceState,
    sighting: Sighting | None,
    dialect: SqlDialect,
    *,
    replaced: str = "",
    accepted: bool = False,
) -> Divergence | None:
    """Return the parting that a look proves. The replica was looked at *before* the source.

    In that order everything that came from the source is in what it shows afterwards. `replaced`: a transaction that
    differs in their binary logs. `accepted`: the error that has stopped the receiver is the one that a person has
    accepted.
    """
    if is_blank(server):
        return None
    rejected = "" if accepted else find_rejection(source, server.channel, dialect)
    skipped = ", ".join(
        filter(None, (describe_skip_settings(server), describe_left_out_transactions(server, seen.history)))
    )
    found = Divergence(source, replaced=replaced, rejected=rejected, skipped=skipped)
    if seen.history is not None and seen.history.family == server.history.family:
        errant = "" if can_be_unacknowledged(server, seen) else server.history.format_difference(seen.history)
        if server.unrecorded_gtids is not None and server.unrecorded_gtids.recovered_gtids == errant:
            errant = ""  # no write of anybody's: `plan` refuses it with its own reason, at every look
        lost = ""
        if sighting is not None and sighting.is_binding(source, by_uuid=seen.uuid is not None):
            lost = server.history.parse(sighting.newest).format_difference(seen.history)
        found = replace(found, errant=errant, lost=lost)
    if not any((found.errant, found.lost, found.replaced, found.rejected, found.skipped)):
        return None
    # Spelled only now: a history of 20 000 intervals takes its time.
    history = "" if seen.history is None else shorten_gtids(str(seen.history))
    return replace(found, history=history)


def find_former_divergence(
    source: SourceIdentity, server: ServerState, dialect: SqlDialect
) -> Divergence | None:
    """Return the parting from the source that the channel still leads to, if the metadata has left that one."""
    if server.channel is None:
        return None
    former = SourceIdentity(server.channel.endpoint.host, server.channel.endpoint.port)
    rejected = find_rejection(former, server.channel, dialect)
    return Divergence(former, rejected=rejected) if rejected and not former.is_same(source) else None


def find_rejection(source: SourceIdentity, channel: ChannelState | None, dialect: SqlDialect) -> str:
    """Return the error with which this source has stopped the receiver because their histories differ; "" for none."""
    if channel is None or channel.receiver is not ReceiverState.STOPPED or channel.receiver_error is None:
        return ""
    if (channel.endpoint.host, channel.endpoint.port) != (source.address, source.port):
        return ""
    error = channel.receiver_error
    return str(error) if dialect.diagnose_error(error, FailureStage.RECEIVING).is_diverged else ""


def can_be_unacknowledged(server: ServerState, seen: SourceState) -> bool:
    """Whether what the replica has beyond its source may be transactions that wait for an acknowledgement there.

    A semi-synchronous MySQL sends a transaction, and shows it only when enough replicas have it. All such
    transactions are under the source's own uuid, and as many sessions wait.
    """
    if not seen.waiting_session_count or seen.uuid is None or seen.history is None:
        return False
    errant = server.history.format_difference(seen.history)
    return bool(errant) and server.history.parse(errant).origins == {seen.uuid.lower()}


def find_sighting(source: SourceIdentity, server: ServerState, seen: SourceState) -> Sighting | None:
    """Return what must be remembered of the source beyond the replica's own history; None if that is nothing."""
    if seen.history is None or seen.history.family != server.history.family:
        return None
    ahead = seen.history.format_difference(server.history)
    return Sighting(source, str(server.history.parse(ahead).newest_gtids)) if ahead else None


def find_anchor(
    source: SourceIdentity, server: ServerState, seen: SourceState, known: Anchor | None
) -> Anchor | None:
    """Return the anchor of a replica that holds all that its source has; `known` if that one says the same."""
    if seen.start_time is None or server.history.is_empty:
        return None
    newest = str(server.history.newest_gtids)
    if (
        known is not None
        and known.newest == newest
        and known.source == source
        and known.has_same_instance(source, seen)
    ):
        return known
    return Anchor(source, seen.start_time, seen.reset_count, newest)


def is_blank(server: ServerState) -> bool:
    """Whether nothing on the server can contradict a source: no transaction, no data, no channel."""
    return server.history.is_empty and not server.schemas and server.channel is None


def find_blocking_divergence(partings: Iterable[Divergence], source: SourceIdentity) -> Divergence | None:
    """Return the parting that forbids the replica to follow `source`; None if there is none."""
    return next(
        (each for each in sorted(partings) if not each.accepted and each.source.is_same(source)), None
    )


def is_source_accepted(partings: Iterable[Divergence], source: SourceIdentity) -> bool:
    """Whether a person has accepted this source and its channel does not run yet."""
    return any(each.accepted and each.source.is_same(source) for each in partings)


def describe_divergence(parting: Divergence) -> Refusal:
    """Return the refusal to replicate from a source from which this replica has diverged."""
    if parting.has_skipped_only:
        do = (
            "the setting is gone, but not its effect: compare the data, and start this node from a clean image; or, if "
            f"the data agree with the source's, run `{ACCEPT_COMMAND}` on this node"
        )
        return Refusal("skipped changes", "every change of the source applied here", str(parting), do)
    do = (
        "nothing was touched, and whatever the source holds later the channel is not started; compare the data, keep "
        "what is worth it, then start the node from a clean image; "
        f"or, if the data agree with the source's, run `{ACCEPT_COMMAND}` on this node"
    )
    return Refusal(
        "history",
        "nothing that the source does not have, and a source that has lost nothing",
        str(parting),
        do,
    )
