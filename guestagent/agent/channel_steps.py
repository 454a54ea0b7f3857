"""The steps that point, start and stop the channel of a replica. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from guestagent.agent.channel_difference import has_different_target
from guestagent.agent.gtid_position_repair import plan_position_repair
from guestagent.agent.journal_state import JournalState
from guestagent.agent.model import DesiredState, ObservedState
from guestagent.agent.replication_target import LOGIN_REFUSED_ERRORS, choose_channel_tls
from guestagent.database.error_diagnosis import FailureKind, FailureStage
from guestagent.database.protocols import SqlDialect
from guestagent.database.state import ChannelState, ReceiverState, TlsOptions
from guestagent.database.steps import PointChannel, SetReadOnly, SetServerId, StartChannel, Step, StopChannel
from guestagent.metadata.document import Source


def plan_channel_steps(
    desired: DesiredState,
    source: Source,
    observed: ObservedState,
    memory: JournalState,
    dialect: SqlDialect,
) -> Iterator[Step]:
    """Yield the steps of a replica: read-only, the server id, and the channel to its source."""
    server, channel = observed.server, observed.server.channel
    if not server.read_only:
        yield SetReadOnly(True)
    tls = choose_channel_tls(desired, observed)
    has_new_target = (
        channel is None
        or has_different_target(channel, source, tls, memory)
        or is_locked_out(channel, observed)
    )
    if (
        has_new_target
        and observed.source_history is None
        and not (channel is None and server.history.is_empty)
    ):
        # The source may lack what this server holds, and a running channel is not given up for an endpoint to which
        # no login has succeeded yet.
        return
    # Until the binary logs are compared, the origin of the transactions that this server has logged is unknown.
    compared_history = None if observed.comparison_pending_reason else observed.source_history
    position_step = plan_position_repair(server, compared_history)
    has_new_server_id = server.server_id != desired.server_id
    needs_start = channel is not None and _needs_start(channel, observed, dialect)
    # A full stop discards the relay log, and GTIDs fetch it again. This repairs one that cannot be read.
    needs_stop = (
        channel is not None
        and not channel.is_stopped
        and (
            has_new_server_id
            or has_new_target
            or position_step is not None
            or (needs_start and channel.applier_error is not None)
        )
    )
    if needs_stop:
        yield StopChannel()
    if has_new_server_id:
        yield SetServerId(desired.server_id)
    if position_step is not None:
        yield position_step
    if has_new_target:
        yield build_channel_step(source, tls)
    if needs_stop or has_new_target or position_step is not None or needs_start:
        yield StartChannel()


def _needs_start(channel: ChannelState, observed: ObservedState, dialect: SqlDialect) -> bool:
    """Return whether a stopped channel should be started.

    It is restarted at most once per error number. If it stops again with a permanent error, the conditions report that.
    """
    if channel.is_applier_running and channel.receiver is not ReceiverState.STOPPED:
        return False
    errors = (
        (channel.receiver_error, FailureStage.RECEIVING),
        (channel.applier_error, FailureStage.APPLYING),
    )
    return not any(
        error.number in observed.retried_errors
        and dialect.diagnose_error(error, stage).kind in {FailureKind.FAIL, FailureKind.REPAIR}
        for error, stage in errors
        if error is not None
    )


def is_locked_out(channel: ChannelState, observed: ObservedState) -> bool:
    """Return whether the source rejects the receiver's login although the agent's own login succeeded.

    The channel then has another password, which no server shows. It is repointed once: if that does not help, the
    reason is a different one.
    """
    error = channel.receiver_error
    if channel.receiver is not ReceiverState.CONNECTING or error is None or observed.source_history is None:
        return False
    return error.number in LOGIN_REFUSED_ERRORS and error.number not in observed.retried_errors


def build_channel_step(source: Source, tls: TlsOptions) -> PointChannel:
    """Build the step that points the channel to the source."""
    return PointChannel(
        host=source.address,
        port=source.port,
        user=source.user.name,
        password=source.user.password,
        tls=tls.is_enabled,
        tls_ca=tls.ca or None,
        tls_verify=tls.verify,
        tls_certificate=tls.certificate or None,
        tls_key=tls.key or None,
    )
