"""Deciding: from what is wanted, seen and remembered to the steps between. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from guestagent.agent.account_steps import find_blocked_accounts, plan_account_steps
from guestagent.agent.divergence import can_be_unacknowledged, describe_divergence
from guestagent.agent.family_limits import find_family_limit
from guestagent.agent.journal_state import MARKER_ACCOUNT, JournalState
from guestagent.agent.model import DesiredState, ObservedState
from guestagent.agent.name_list import format_names
from guestagent.agent.own_server_id import refuse_own_server_id
from guestagent.agent.position_repair import advise_on_recovery, describe_recovery, plan_position_repair
from guestagent.agent.replication_target import (
    build_channel_step,
    choose_channel_tls,
    has_different_target,
    is_locked_out,
)
from guestagent.agent.skipped_changes import find_skip_refusal
from guestagent.agent.unlogged_data import find_unlogged_refusal
from guestagent.database.diagnosis import FailureKind, FailureStage
from guestagent.database.gtid_history import GtidHistory, shorten_gtids
from guestagent.database.protocols import SqlDialect
from guestagent.database.state import (
    Account,
    ChannelState,
    ReceiverState,
    ServerState,
    SourceState,
)
from guestagent.database.steps import (
    CreateAccount,
    CreateMarker,
    RemakeAccount,
    SetPrivileges,
    SetReadOnly,
    SetServerId,
    StartChannel,
    Step,
    StopChannel,
)
from guestagent.metadata.document import Role, Source, UnresolvedFunction

SHOWN_NAMES_LIMIT = 10
"""A condition names at most this many schemas and accounts."""


def plan_steps(
    desired: DesiredState, observed: ObservedState, memory: JournalState, dialect: SqlDialect
) -> tuple[Step, ...]:
    """The steps from what is seen to what is wanted; none where going on could lose data or cannot help.

    Why it stops is for `readiness` to say: both ask `refusal`.
    """
    server, source = observed.server, observed.source
    if server is None or find_refusal(desired, observed) is not None:
        return ()
    if source is not None and can_be_unacknowledged(server, source):
        return ()  # nothing can be told of the two histories before the source shows what it has sent
    if desired.role is Role.SOURCE:
        return tuple(_source_steps(desired, server, memory, dialect, find_blocked_accounts(observed)))
    if desired.source is None:
        return ()
    return tuple(_replica_steps(desired, desired.source, observed, server, memory, dialect))


def find_refusal(desired: DesiredState, observed: ObservedState) -> tuple[str, str, str, str] | None:
    """Why this server must not be touched: (condition, wanted, seen, what to do). None: go on."""
    server = observed.server
    if server is None:
        return None
    if observed.lost_journal and has_data(server):
        return _lost_journal(observed.lost_journal)
    impossible = find_family_limit(desired, server)
    if impossible is not None:
        return impossible
    if not server.gtid:
        do = "set gtid_mode and enforce_gtid_consistency to ON in the server's option file and restart it"
        return ("GTID", "on", "off", do)
    if desired.role is Role.SOURCE:
        refused = _source_refusal(desired, server) or find_skip_refusal(desired, server, observed.source)
    else:
        # A setting that is still in force is named before its effect, which outlasts it.
        parted = observed.divergence is not None and not observed.divergence.has_skipped_only
        refused = None if parted else find_skip_refusal(desired, server, observed.source)
        refused = refused or (None if parted else _own_id_refusal(desired, server, observed.source))
        refused = refused or _replica_refusal(desired, server, observed)
    return refused or find_unlogged_refusal(desired, server, observed.source)


def is_configuration_forbidden(desired: DesiredState, observed: ObservedState) -> bool:
    """Whether not even the option file is for us to touch: a log begun on data without one would hide where they are
    from. An empty server that only lacks its binary log gets one.
    """
    refused, server = find_refusal(desired, observed), observed.server
    if refused is None or server is None:
        return False
    return server.binary_log or has_data(server) or any(not seen.is_marked for seen in server.accounts)


def has_data(server: ServerState) -> bool:
    """Return whether the server has data, a history or a channel: what a lost journal may have been about."""
    return not server.history.is_empty or bool(server.schemas) or server.channel is not None


def _lost_journal(files: str) -> tuple[str, str, str, str]:
    return (
        "journal",
        "what the agent has noted of this server",
        f"neither copy can be read: {files}",
        "nothing was touched; start the node from a clean image, or put the journal back from a backup, or, if the "
        "data is known to be right, remove the files named here (docs/how-to/unreadable-journal.md)",
    )


def _source_refusal(desired: DesiredState, server: ServerState) -> tuple[str, str, str, str] | None:
    if not server.binary_log:
        return ("binary log", "on", "off", "set log_bin in the server's option file and restart it")
    if server.channel is not None:
        return (
            "role",
            "a source, which follows nobody",
            f"a replica of {server.channel.endpoint}",
            "promotion is not supported: if this server shall be the source, stop and reset its channel by hand",
        )
    if desired.tls is not None and desired.tls.required and server.tls is False:
        # Accounts that demand TLS of a server without it would let nobody in.
        return (
            "TLS",
            "a server that offers TLS",
            "one without it",
            "set ssl_cert and ssl_key in its option file and restart it, or leave GuestAgent.TLS out",
        )
    return None


def _replica_refusal(
    desired: DesiredState, server: ServerState, observed: ObservedState
) -> tuple[str, str, str, str] | None:
    if observed.divergence is not None:
        return describe_divergence(observed.divergence)
    source = observed.source
    refused = _unknowable(server)
    if refused is not None or source is None or source.history is None:
        return refused
    refused = _unfollowable(server, source, source.history)
    if refused is not None:
        return refused
    if source.server_id == desired.server_id and not server.history.format_difference(source.history):
        return (
            "server id",
            "one that no other server of the cluster has",
            f"{desired.server_id}, which is the source's too",
            "give each node its own GuestAgent.ServerId",
        )
    return None if can_be_unacknowledged(server, source) else _written_here(server, source.history)


def _own_id_refusal(
    desired: DesiredState, server: ServerState, source: SourceState | None
) -> tuple[str, str, str, str] | None:
    """Why this replica's server id keeps changes of its source from it."""
    if source is None or source.history is None or isinstance(desired.server_id, UnresolvedFunction):
        return None
    if source.server_id == desired.server_id:  # a reason of its own
        return None
    return refuse_own_server_id(desired.server_id, server, source.history)


def _unfollowable(
    server: ServerState, source: SourceState, history: GtidHistory
) -> tuple[str, str, str, str] | None:
    """Why nobody like this server can follow that source, whatever the two hold."""
    ours, theirs = server.history.family, history.family
    if ours != theirs:
        return (
            "source",
            f"a {ours}, as this server is",
            f"a {theirs} ({source.version})",
            "give all nodes of a cluster one kind of image",
        )
    if not source.gtid:
        return (
            "source",
            "a source that counts by GTID",
            "its GTIDs are off",
            "set gtid_mode and enforce_gtid_consistency to ON in the source's option file and restart it",
        )
    if source.uuid is not None and source.uuid == server.uuid:
        return (
            "server uuid",
            "one that no other server of the cluster has",
            f"{server.uuid}, which is the source's too: one data directory is a copy of the other",
            "remove auto.cnf from this node's data directory and restart the server; an image must ship without it",
        )
    return None


def _unknowable(server: ServerState) -> tuple[str, str, str, str] | None:
    """What no comparison of histories would tell."""
    strange = (*server.schemas, *(str(seen.account) for seen in server.accounts if not seen.is_marked))
    if server.channel is None and server.history.is_empty and strange:
        return (
            "data",
            "an empty server, or one whose history the source contains",
            f"schemas or accounts without a history: {format_names(strange, SHOWN_NAMES_LIMIT)}",
            "nothing was touched; if the data is not needed, start the node from a clean image",
        )
    if not server.binary_log:
        return (
            "binary log",
            "on, for it alone tells what was written here",
            "off",
            "set log_bin and log_slave_updates (MySQL: log_replica_updates) in the option file, restart the server",
        )
    return None


def _written_here(server: ServerState, source: GtidHistory) -> tuple[str, str, str, str] | None:
    errant = server.history.format_difference(source)
    if errant and server.unrecorded_gtids is not None and server.unrecorded_gtids.recovered_gtids == errant:
        return (
            "history",
            "nothing that the source does not have",
            describe_recovery(server.unrecorded_gtids),
            advise_on_recovery(server.unrecorded_gtids),
        )
    if errant:
        return (
            "history",
            "nothing that the source does not have",
            f"errant transactions {shorten_gtids(errant)}",
            "nothing was touched; compare the data with the source, keep what is worth it, "
            "then start the node from a clean image",
        )
    if server.channel is None and server.local_gtids:
        # Its GTIDs may be the source's too: every server that boots from one image begins with the same server id.
        return (
            "history",
            "nothing but what came from a source",
            f"transactions of its own: {shorten_gtids(server.local_gtids)}",
            "nothing was touched; if the data is not needed, start the node from a clean image",
        )
    return None


def _source_steps(
    desired: DesiredState,
    server: ServerState,
    memory: JournalState,
    dialect: SqlDialect,
    blocked: frozenset[Account],
) -> Iterator[Step]:
    if server.server_id != desired.server_id:
        yield SetServerId(desired.server_id)
    accounts = tuple(plan_account_steps(desired, server, memory, dialect, blocked))
    marking = any(isinstance(step, CreateAccount | RemakeAccount | SetPrivileges) for step in accounts)
    if MARKER_ACCOUNT in memory.unfinished and not dialect.has_atomic_accounts:
        yield CreateMarker(if_not_exists=True)
    elif not server.has_marker and marking:
        yield CreateMarker()
    yield from accounts
    if server.read_only or server.is_restricted:
        yield SetReadOnly(False)


def _replica_steps(
    desired: DesiredState,
    source: Source,
    observed: ObservedState,
    server: ServerState,
    memory: JournalState,
    dialect: SqlDialect,
) -> Iterator[Step]:
    if not server.read_only:
        yield SetReadOnly(True)
    channel = server.channel
    new_id = server.server_id != desired.server_id
    tls = choose_channel_tls(desired, observed, server)
    new_channel = (
        channel is None
        or has_different_target(channel, source, tls, memory)
        or is_locked_out(channel, observed)
    )
    unseen = observed.source is None or observed.source.history is None
    if new_channel and unseen and (channel is not None or not server.history.is_empty):
        # What this server holds may be lacking over there, and a channel that runs is not given up for a way on
        # which nobody was let in yet.
        return
    # Before the binary logs are compared it is not known whose transaction this server has logged.
    compared = (
        None if observed.source is None or observed.comparison_pending_reason else observed.source.history
    )
    record = plan_position_repair(server, compared)
    start = channel is not None and _wants_start(channel, observed, dialect)
    # A whole stop throws the relay log away, and GTIDs fetch it again: one that cannot be read is mended so.
    unreadable = start and channel is not None and channel.applier_error is not None
    anew = new_id or new_channel or record is not None or unreadable
    stop = channel is not None and not channel.is_stopped and anew
    if stop:
        yield StopChannel()
    if new_id:
        yield SetServerId(desired.server_id)
    if record is not None:
        yield record
    if new_channel:
        yield build_channel_step(source, tls)
    if stop or new_channel or record is not None or start:
        yield StartChannel()


def _wants_start(channel: ChannelState, observed: ObservedState, dialect: SqlDialect) -> bool:
    """One start a work for each error: what stops again with an error that does not pass is for `readiness` to tell."""
    if channel.is_applier_running and channel.receiver is not ReceiverState.STOPPED:
        return False
    errors = (
        (channel.receiver_error, FailureStage.RECEIVING),
        (channel.applier_error, FailureStage.APPLYING),
    )
    return not any(
        error.number in observed.retried_errors
        and dialect.diagnose_error(error, place).kind in {FailureKind.FAIL, FailureKind.REPAIR}
        for error, place in errors
        if error is not None
    )
