"""The conditions of a replica: its source, its channel, its lag and its history. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from guestagent.agent.changes_under_own_id import OTHER_ID_ADVICE, find_skipped_gtids
from guestagent.agent.divergence import can_be_unacknowledged
from guestagent.agent.gtid_position_repair import plan_position_repair
from guestagent.agent.model import Condition, ConditionState, DesiredState, ObservedState
from guestagent.agent.replication_target import choose_channel_tls
from guestagent.agent.skip_settings import SHOWN_SETTINGS_LIMIT
from guestagent.agent.source_conditions import describe_access
from guestagent.database.error_diagnosis import FailureKind, FailureStage
from guestagent.database.gtid_history import GtidHistory, shorten_gtids
from guestagent.database.protocols import SqlDialect
from guestagent.database.state import ChannelState, Endpoint, ReceiverState, ServerError, TlsOptions
from guestagent.metadata.document import Source
from guestagent.metadata.host_port import format_host_port

HELD, PENDING, FINAL = ConditionState.HELD, ConditionState.PENDING, ConditionState.FINAL

LOCK_ADVICE = (
    "another session on this node holds the lock (FLUSH TABLES WITH READ LOCK, LOCK TABLES, a backup, an open "
    "transaction): find it with SHOW PROCESSLIST, and end it"
)
EXPIRY_WARNING_DAYS = 30
"""The condition of the source names its certificate's expiry from this number of days before it."""


def judge_replica(
    desired: DesiredState, source: Source, observed: ObservedState, dialect: SqlDialect
) -> Iterator[Condition]:
    """Judge the conditions of a replica."""
    server, channel = observed.server, observed.server.channel
    yield Condition.compare("access", "read-only", describe_access(server))
    yield _judge_source_login(source, observed, dialect)
    yield _judge_channel(source, choose_channel_tls(desired, observed), channel)
    if channel is None:
        return
    yield _judge_receiver(channel, observed.retried_errors, dialect)
    progress = (_judge_lag(desired, channel), _judge_history(observed))
    if plan_position_repair(server, observed.source_history) is not None:
        actual = "stopped before transactions that the server has logged already"
        yield Condition("applier", PENDING, "running", actual)
    else:
        is_late = any(condition.state is PENDING for condition in progress)
        yield _judge_applier(channel, observed.retried_errors, dialect, is_late=is_late)
    yield from progress


def _judge_source_login(source: Source, observed: ObservedState, dialect: SqlDialect) -> Condition:
    expected = f"a login as {source.user.name} at {format_host_port(source.address, source.port)}"
    state = observed.source
    if state is None:
        return Condition("source", PENDING, expected, "not tried yet")
    if state.error is not None:
        return _judge_failure("source", expected, dialect, state.error, FailureStage.CONNECTING)
    if not state.binary_log:
        advice = "set log_bin in the source's option file and restart it"
        return Condition("source", FINAL, "a source with a binary log", "its binary log is off", advice)
    actual = f"server id {state.server_id}, {state.version}"
    if state.certificate_days is not None and state.certificate_days < EXPIRY_WARNING_DAYS:
        actual += f"; its certificate expires in {state.certificate_days} days: renew it"
    return Condition("source", HELD, expected, actual)


def _judge_channel(source: Source, tls: TlsOptions, channel: ChannelState | None) -> Condition:
    endpoint = Endpoint(str(source.address), source.port, str(source.user.name))
    expected = _describe_channel(endpoint, tls)
    if channel is None:
        return Condition("channel", PENDING, expected, "no channel")
    actual = _describe_channel(channel.endpoint, channel.tls)
    actual += "" if channel.uses_gtid else " by position, not by GTID"
    actual += "".join(f", {option}" for option in channel.unexpected_options[:SHOWN_SETTINGS_LIMIT])
    has_endpoint = (channel.endpoint.host, channel.endpoint.port, channel.endpoint.user) == (
        endpoint.host,
        endpoint.port,
        endpoint.user,
    )
    is_right = has_endpoint and channel.tls == tls and channel.uses_gtid and not channel.unexpected_options
    return Condition("channel", HELD if is_right else PENDING, expected, actual)


def _describe_channel(endpoint: Endpoint, tls: TlsOptions) -> str:
    return f"{endpoint.user}@{format_host_port(endpoint.host, endpoint.port)}, {tls}"


def _judge_receiver(channel: ChannelState, retried_errors: frozenset[int], dialect: SqlDialect) -> Condition:
    if channel.receiver is ReceiverState.RUNNING:
        return Condition("receiver", HELD, "running", "running")
    if channel.receiver_error is None:
        return Condition("receiver", PENDING, "running", str(channel.receiver))
    is_connecting = channel.receiver is ReceiverState.CONNECTING
    stage = FailureStage.CONNECTING if is_connecting else FailureStage.RECEIVING
    return _judge_failure("receiver", "running", dialect, channel.receiver_error, stage, retried_errors)


def _judge_applier(
    channel: ChannelState, retried_errors: frozenset[int], dialect: SqlDialect, *, is_late: bool
) -> Condition:
    """Judge the applier. A wait for a lock counts only if the replica is late: any change may wait for a moment."""
    error, stage = channel.applier_error, FailureStage.APPLYING
    if error is not None:
        return _judge_failure("applier", "running", dialect, error, stage, retried_errors)
    if channel.is_applier_running and channel.applier_wait and is_late:
        return Condition("applier", PENDING, "running", f"running, but {channel.applier_wait}", LOCK_ADVICE)
    return Condition.compare("applier", "running", "running" if channel.is_applier_running else "stopped")


def _judge_failure(
    name: str,
    expected: str,
    dialect: SqlDialect,
    error: ServerError,
    stage: FailureStage,
    retried_errors: frozenset[int] = frozenset(),
) -> Condition:
    """Judge an error: final if it is permanent, or if the one start that might have repaired it did not."""
    diagnosis = dialect.diagnose_error(error, stage)
    is_final = diagnosis.kind is FailureKind.FAIL or (
        diagnosis.kind is FailureKind.REPAIR and error.number in retried_errors
    )
    actual = f"{error} ({diagnosis.meaning})" if diagnosis.meaning else str(error)
    return Condition(name, FINAL if is_final else PENDING, expected, actual, diagnosis.advice)


def _judge_lag(desired: DesiredState, channel: ChannelState) -> Condition:
    expected = f"at most {desired.max_lag} s"
    if channel.lag is None or channel.receiver is not ReceiverState.RUNNING:
        return Condition("lag", PENDING, expected, "not known")
    state = HELD if channel.lag <= desired.max_lag else PENDING
    return Condition("lag", state, expected, f"{channel.lag} s")


def _judge_history(observed: ObservedState) -> Condition:
    server, target = observed.server, observed.target_history
    expected = "all transactions that the source had when verification began"
    if target is None:
        return Condition("history", PENDING, expected, "the source's position is not known")
    if observed.source is not None and can_be_unacknowledged(server, observed.source):
        actual = (
            "extra transactions: commits on the source are waiting for a semi-synchronous acknowledgement"
        )
        return Condition("history", PENDING, "no transactions that the source lacks", actual)
    # A transaction that is logged and not known to be applied is about to be applied again.
    applied = server.history if server.unrecorded_gtids is None else server.unrecorded_gtids.applied_history
    actual = shorten_gtids(str(applied)) or "nothing"
    if applied.family == target.family and _contains_target(applied, target, observed.source_history):
        return _judge_comparison(observed, Condition("history", HELD, expected, actual))
    expected = f"{expected} ({shorten_gtids(str(target))})"
    skipped = find_skipped_gtids(server, observed.source_history)
    if skipped:
        actual = f"{actual}: the channel has left out {shorten_gtids(skipped)}, as it does with transactions that have "
        actual += f"this replica's own server id, {server.server_id}"
        return Condition("history", PENDING, expected, actual, OTHER_ID_ADVICE)
    return Condition("history", PENDING, expected, actual)


def _contains_target(applied: GtidHistory, target: GtidHistory, source_history: GtidHistory | None) -> bool:
    """Return whether the target is contained, directly or by what the source has now.

    Since the target was noted, another server id may have written on the source in the same domain.
    """
    if applied.contains(target):
        return True
    return (
        source_history is not None
        and source_history.family == target.family
        and source_history.contains(target)
        and applied.contains(source_history)
    )


def _judge_comparison(observed: ObservedState, held: Condition) -> Condition:
    """Hold a complete history back until the logs are compared, unless that is not possible."""
    if observed.comparison_pending_reason:
        reason = observed.comparison_pending_reason
        expected = "the same transactions in the binary logs of both servers"
        actual = f"the binary logs of this source since its restart have not been compared yet ({reason})"
        advice = (
            "the next pass continues; "
            "if this persists, check that the replication user may read the source's binary log"
        )
        return Condition("history", PENDING, expected, actual, advice)
    if observed.comparison_impossible_reason:
        reason = observed.comparison_impossible_reason
        actual = f"the binary logs of this source since its restart cannot be compared ({reason})"
        return replace(held, actual=f"{held.actual}; {actual}")
    return held
