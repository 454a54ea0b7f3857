"""The plan: the steps from the observed state to the desired one. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from guestagent.agent.account_steps import find_blocked_accounts, plan_account_steps
from guestagent.agent.divergence import can_be_unacknowledged
from guestagent.agent.journal_state import MARKER_ACCOUNT, JournalState
from guestagent.agent.model import DesiredState, ObservedState
from guestagent.agent.position_repair import plan_position_repair
from guestagent.agent.refusal import Refusal
from guestagent.agent.replication_target import (
    build_channel_step,
    choose_channel_tls,
    has_different_target,
    is_locked_out,
)
from guestagent.database.diagnosis import FailureKind, FailureStage
from guestagent.database.protocols import SqlDialect
from guestagent.database.state import ChannelState, ReceiverState
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
from guestagent.metadata.document import Role, Source


def plan_steps(
    desired: DesiredState,
    observed: ObservedState,
    refusal: Refusal | None,
    memory: JournalState,
    dialect: SqlDialect,
) -> tuple[Step, ...]:
    """Return the steps from the observed state to the desired one; none if there is a `refusal`."""
    if refusal is not None:
        return ()
    source = observed.source
    if source is not None and can_be_unacknowledged(observed.server, source):
        return ()  # the two histories cannot be compared before the source shows what it has sent
    if desired.role is Role.SOURCE:
        return tuple(_plan_source_steps(desired, observed, memory, dialect))
    if desired.source is None:
        return ()
    return tuple(_plan_replica_steps(desired, desired.source, observed, memory, dialect))


def _plan_source_steps(
    desired: DesiredState, observed: ObservedState, memory: JournalState, dialect: SqlDialect
) -> Iterator[Step]:
    server = observed.server
    if server.server_id != desired.server_id:
        yield SetServerId(desired.server_id)
    blocked_accounts = find_blocked_accounts(observed)
    account_steps = tuple(plan_account_steps(desired, server, memory, dialect, blocked_accounts))
    if MARKER_ACCOUNT in memory.unfinished and not dialect.has_atomic_accounts:
        yield CreateMarker(if_not_exists=True)
    elif not server.has_marker and any(
        isinstance(step, CreateAccount | RemakeAccount | SetPrivileges) for step in account_steps
    ):
        yield CreateMarker()
    yield from account_steps
    if server.read_only or server.is_restricted:
        yield SetReadOnly(False)


def _plan_replica_steps(
    desired: DesiredState,
    source: Source,
    observed: ObservedState,
    memory: JournalState,
    dialect: SqlDialect,
) -> Iterator[Step]:
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
