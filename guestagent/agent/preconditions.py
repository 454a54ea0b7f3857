"""Reasons not to change this server: a change could lose data, or would have no effect. Pure."""

from __future__ import annotations

from dataclasses import replace

from guestagent.agent.changes_under_own_id import refuse_own_server_id
from guestagent.agent.divergence import can_be_unacknowledged, describe_divergence
from guestagent.agent.family_limits import find_family_limit
from guestagent.agent.gtid_position_repair import advise_on_recovery, describe_recovery
from guestagent.agent.model import DesiredState, ObservedState
from guestagent.agent.refusal import Refusal
from guestagent.agent.skipped_changes import find_skip_refusal
from guestagent.agent.unlogged_data import (
    CLEAN_IMAGE_ADVICE,
    find_unlogged_refusal,
    refuse_data_without_history,
)
from guestagent.database.gtid_history import GtidHistory, shorten_gtids
from guestagent.database.state import ServerState, SourceState
from guestagent.metadata.document import Role, UnresolvedFunction

BINARY_LOG = "binary log"
GTID_ADVICE = "set gtid_mode and enforce_gtid_consistency to ON in the {}'s option file and restart it"


def find_refusal(desired: DesiredState, observed: ObservedState) -> Refusal | None:
    """Return the reason why this server must not be changed; None if there is none."""
    server = observed.server
    if observed.lost_journal and has_data(server):
        return _refuse_lost_journal(observed.lost_journal)
    limit = find_family_limit(desired, server)
    if limit is not None:
        return limit
    if not server.gtid:
        return Refusal("GTID", "on", "off", GTID_ADVICE.format("server"))
    if desired.role is Role.SOURCE:
        refusal = _check_source(desired, server) or find_skip_refusal(desired, server, observed.source)
    else:
        refusal = _check_replica(desired, observed)
    return refusal or find_unlogged_refusal(desired, server, observed.source)


def name_missing_option_file(refusal: Refusal | None, path: str) -> Refusal | None:
    """Add the agent's option file to the advice on a server without a binary log if the file is missing.

    The agent does not write it: a log that begins on existing data would hide that the data has none.
    """
    if refusal is None or refusal.name != BINARY_LOG or not path:
        return refusal
    advice = (
        f"{path} is missing, which turns it on: put it back from the image (the element of this server has it under "
        "static/), restart the server, and start the node from a clean image if data was written without a log"
    )
    return replace(refusal, advice=advice)


def is_configuration_forbidden(refusal: Refusal | None, server: ServerState) -> bool:
    """Return whether not even the option file may be written.

    A log that begins on existing data would hide that the data has no log. An empty server that only lacks its binary
    log gets one.
    """
    if refusal is None:
        return False
    has_foreign_account = any(not account.is_marked for account in server.accounts)
    return server.binary_log or has_data(server) or has_foreign_account


def has_data(server: ServerState) -> bool:
    """Return whether the server has data, a history or a channel, to which a lost journal may have referred."""
    return not server.history.is_empty or bool(server.schemas) or server.channel is not None


def _refuse_lost_journal(files: str) -> Refusal:
    return Refusal(
        "journal",
        "the agent's journal of this server",
        f"neither copy can be read: {files}",
        "nothing was touched; start the node from a clean image, or put the journal back from a backup, or, if the "
        "data is known to be right, remove the files named here (docs/how-to/unreadable-journal.md)",
    )


def _check_source(desired: DesiredState, server: ServerState) -> Refusal | None:
    if not server.binary_log:
        advice = "set log_bin in the server's option file and restart it"
        return Refusal(BINARY_LOG, "on", "off", advice)
    if server.channel is not None:
        return Refusal(
            "role",
            "a source without a replication channel",
            f"a replica of {server.channel.endpoint}",
            "promotion is not supported: to make this server the source, stop and reset its channel by hand",
        )
    if desired.tls is not None and desired.tls.required and server.tls is False:
        # Nobody could log in to an account that requires TLS of a server without it.
        return Refusal(
            "TLS",
            "a server that offers TLS",
            "one without it",
            "set ssl_cert and ssl_key in its option file and restart it, or leave GuestAgent.TLS out",
        )
    return None


def _check_replica(desired: DesiredState, observed: ObservedState) -> Refusal | None:
    server, source, divergence = observed.server, observed.source, observed.divergence
    if divergence is None or divergence.has_skipped_only:
        # A setting that is still in force is named before its effect, which outlasts it.
        refusal = find_skip_refusal(desired, server, source) or _check_own_server_id(desired, server, source)
        if refusal is not None:
            return refusal
    if divergence is not None:
        return describe_divergence(divergence)
    refusal = refuse_data_without_history(server) or _check_replica_log(server)
    if refusal is not None or source is None or source.history is None:
        return refusal
    return (
        _check_source_match(server, source, source.history)
        or _check_equal_server_id(desired, server, source, source.history)
        or _check_errant_transactions(server, source, source.history)
    )


def _check_own_server_id(
    desired: DesiredState, server: ServerState, source: SourceState | None
) -> Refusal | None:
    """Refuse a server id under which the source has changes that this replica would leave out."""
    if source is None or source.history is None or isinstance(desired.server_id, UnresolvedFunction):
        return None
    if source.server_id == desired.server_id:  # another refusal covers this case
        return None
    return refuse_own_server_id(desired.server_id, server, source.history)


def _check_replica_log(server: ServerState) -> Refusal | None:
    if server.binary_log:
        return None
    return Refusal(
        BINARY_LOG,
        "on, because nothing else records local writes",
        "off",
        "set log_bin and log_slave_updates (MySQL: log_replica_updates) in the option file, restart the server",
    )


def _check_source_match(server: ServerState, source: SourceState, history: GtidHistory) -> Refusal | None:
    """Refuse a source that this server cannot replicate from, whatever data the two hold."""
    family, source_family = server.history.family, history.family
    if family != source_family:
        return Refusal(
            "source",
            f"a {family}, as this server is",
            f"a {source_family} ({source.version})",
            "use one kind of image for all nodes of a cluster",
        )
    if not source.gtid:
        return Refusal("source", "a source with GTIDs", "its GTIDs are off", GTID_ADVICE.format("source"))
    if source.uuid is not None and source.uuid == server.uuid:
        return Refusal(
            "server uuid",
            "one that no other server of the cluster has",
            f"{server.uuid}, which is the source's too: one data directory is a copy of the other",
            "remove auto.cnf from this node's data directory and restart the server; an image must ship without it",
        )
    return None


def _check_equal_server_id(
    desired: DesiredState, server: ServerState, source: SourceState, history: GtidHistory
) -> Refusal | None:
    if source.server_id != desired.server_id or server.history.format_difference(history):
        return None
    return Refusal(
        "server id",
        "one that no other server of the cluster has",
        f"{desired.server_id}, which is the source's too",
        "give each node its own GuestAgent.ServerId",
    )


def _check_errant_transactions(
    server: ServerState, source: SourceState, history: GtidHistory
) -> Refusal | None:
    """Refuse a server that holds transactions which did not come from the source."""
    if can_be_unacknowledged(server, source):
        return None
    errant_gtids = server.history.format_difference(history)
    unrecorded = server.unrecorded_gtids
    if errant_gtids and unrecorded is not None and unrecorded.recovered_gtids == errant_gtids:
        actual, advice = describe_recovery(unrecorded), advise_on_recovery(unrecorded)
        return Refusal("history", "no transactions that the source lacks", actual, advice)
    if errant_gtids:
        return Refusal(
            "history",
            "no transactions that the source lacks",
            f"errant transactions {shorten_gtids(errant_gtids)}",
            "nothing was touched; compare the data with the source, save what you need, "
            "then replace this replica's data with `guestagent reseed`",
        )
    if server.channel is None and server.local_gtids:
        # Its GTIDs may be the source's too: every server that boots from one image begins with the same server id.
        return Refusal(
            "history",
            "nothing but transactions from a source",
            f"transactions of its own: {shorten_gtids(server.local_gtids)}",
            CLEAN_IMAGE_ADVICE,
        )
    return None
