"""Judging: every condition that must hold before SUCCESS may be said, with what is wanted and what is seen. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from guestagent.agent.account_steps import (
    find_unlogged_accounts,
    has_account_conflict,
    has_desired_encryption,
    has_desired_password,
    has_exact_privileges,
    has_unknown_password,
)
from guestagent.agent.divergence import can_be_unacknowledged
from guestagent.agent.journal_state import JournalState
from guestagent.agent.model import (
    Condition,
    ConditionState,
    DesiredAccount,
    DesiredState,
    ObservedState,
    Readiness,
)
from guestagent.agent.plan import find_refusal
from guestagent.agent.position_repair import plan_position_repair
from guestagent.agent.replication_target import choose_channel_tls
from guestagent.agent.skip_settings import SHOWN_SETTINGS_LIMIT
from guestagent.agent.skipped_changes import judge_managed_settings
from guestagent.database.connection_advice import get_connection_advice
from guestagent.database.diagnosis import FailureKind, FailureStage
from guestagent.database.gtid_history import GtidHistory, shorten_gtids
from guestagent.database.protocols import SqlDialect
from guestagent.database.state import (
    EXPIRED_SUFFIX,
    ChannelState,
    Endpoint,
    ReceiverState,
    ServerError,
    ServerState,
    TlsOptions,
)
from guestagent.database.statement_errors import diagnose_statement_error
from guestagent.errors import DatabaseRefused
from guestagent.metadata.document import Source
from guestagent.metadata.host_port import format_host_port

HELD, PENDING, FINAL = ConditionState.HELD, ConditionState.PENDING, ConditionState.FINAL

EXPIRY_WARNING_DAYS = 30
"""Days before a certificate's end from which on it is spoken of."""


def judge_readiness(
    desired: DesiredState, observed: ObservedState, memory: JournalState, dialect: SqlDialect
) -> Readiness:
    """Every condition of the node's role. Nothing that was not measured counts as held."""
    server = observed.server
    if server is None:
        do = get_connection_advice(observed.unreachable_reason)
        return Readiness.from_conditions(
            Condition("server", PENDING, "an answer", observed.unreachable_reason, do)
        )
    conditions = [Condition("server", HELD, "an answer", server.version)]
    refused = find_refusal(desired, observed)
    if refused is not None:
        name, wanted, seen, do = refused
        conditions.append(Condition(name, FINAL, wanted, seen, do))
    conditions += _identity(desired, server)
    if desired.source is not None:
        conditions += _replica(desired, desired.source, observed, server, dialect)
    else:
        conditions += _source(desired, observed, server, memory, dialect)
    return Readiness.from_conditions(*conditions)


def judge_refusal(error: DatabaseRefused) -> Condition:
    """Judge a step, a look or a login that the local server rejected: final if it cannot pass by itself."""
    diagnosis = diagnose_statement_error(error)
    seen = f"{error} ({diagnosis.meaning})" if diagnosis.meaning else str(error)
    agreement = FINAL if diagnosis.kind is FailureKind.FAIL else PENDING
    return Condition("step", agreement, "every step done", seen, diagnosis.advice)


def _holds(name: str, wanted: object, seen: object, *, do: str = "") -> Condition:
    return Condition(name, HELD if wanted == seen else PENDING, str(wanted), str(seen), do)


def _identity(desired: DesiredState, server: ServerState) -> Iterator[Condition]:
    wanted = (
        f"{desired.server_id} (derived from the address)"
        if desired.is_server_id_derived
        else str(desired.server_id)
    )
    same = server.server_id == desired.server_id
    yield Condition("server id", HELD if same else PENDING, wanted, str(server.server_id))
    yield _holds("GTID", "on", "on" if server.gtid else "off")


def _source(
    desired: DesiredState,
    observed: ObservedState,
    server: ServerState,
    memory: JournalState,
    dialect: SqlDialect,
) -> Iterator[Condition]:
    yield _holds("binary log", "on", "on" if server.binary_log else "off")
    yield _holds("access", "writable", _access(server))
    yield _unique(desired, server)
    yield from judge_managed_settings(server)
    for wanted in desired.accounts:
        yield _account(wanted, observed, server, memory, dialect)


def _access(server: ServerState) -> str:
    if server.is_restricted:
        return "read-only, but not for administrators"
    return "read-only" if server.read_only else "writable"


def _unique(desired: DesiredState, server: ServerState) -> Condition:
    """Two replicas with one id evict each other without an error: the source alone can see it."""
    twice = sorted(
        {i for i in server.replica_ids if server.replica_ids.count(i) > 1 or i == desired.server_id}
    )
    if not twice:
        return Condition("server ids of replicas", HELD, "each once", "each once")
    seen = f"more than once: {', '.join(map(str, twice))}"
    return Condition(
        "server ids of replicas", FINAL, "each once", seen, "give each node its own GuestAgent.ServerId"
    )


def _account(
    wanted: DesiredAccount,
    observed: ObservedState,
    server: ServerState,
    memory: JournalState,
    dialect: SqlDialect,
) -> Condition:
    name, right = f"account {wanted.account}", "exactly REPLICATION SLAVE, with the wanted password"
    seen = server.find_account(wanted.account)
    if seen is None:
        return Condition(name, PENDING, right, "no such account")
    if wanted.account in find_unlogged_accounts(memory, dialect):
        return Condition(
            name, PENDING, right, "one that may not be in the binary log: the work on it was interrupted"
        )
    if has_account_conflict(wanted, server, memory, dialect):
        do = "it was not made by the agent and is left alone: drop it, or choose another name"
        return Condition(name, FINAL, right, "a different account of somebody else", do)
    if seen.plugin.endswith(EXPIRED_SUFFIX):
        return Condition(name, PENDING, right, "an expired password")
    if not has_desired_password(wanted, seen, dialect):
        return Condition(name, PENDING, right, "another password")
    if has_unknown_password(seen, memory):
        return Condition(name, PENDING, right, "a second password, which the agent did not retain")
    if not has_desired_encryption(wanted, seen):
        demand = _demand(seen.requires_tls, seen.requires_certificate)
        return Condition(name, PENDING, _demand(wanted.requires_tls, wanted.requires_certificate), demand)
    if seen.is_limited and seen.is_marked:
        return Condition(name, PENDING, right, "one that its age, failed logins or a limit may shut out")
    if not has_exact_privileges(seen):
        extra = " and more" if seen.has_other_privileges else ""
        return Condition(
            name, PENDING, right, f"{', '.join(sorted(seen.privileges)) or 'no privilege'}{extra}"
        )
    if seen.is_locked:
        return Condition(name, FINAL, right, "a locked account", "unlock it: ALTER USER .. ACCOUNT UNLOCK")
    failed = observed.login_errors.get(wanted.account)
    if failed is not None:
        return Condition(
            name,
            PENDING,
            "a login over TCP",
            str(failed),
            dialect.diagnose_error(failed, FailureStage.CONNECTING).advice,
        )
    old = "" if seen.retained_hash is None else "; the old password is valid too, until a later generation"
    return Condition(name, HELD, right, f"{right}{old}")


def _demand(tls: bool, certificate: bool) -> str:
    return f"one that demands {'a certificate' if certificate else 'TLS' if tls else 'no TLS'}"


def _replica(
    desired: DesiredState, source: Source, observed: ObservedState, server: ServerState, dialect: SqlDialect
) -> Iterator[Condition]:
    yield _holds("access", "read-only", _access(server))
    yield _source_seen(source, observed, dialect)
    channel = server.channel
    tls = choose_channel_tls(desired, observed, server)
    end = Endpoint(str(source.address), source.port, str(source.user.name))
    wanted = _led(end, tls)
    if channel is None:
        yield Condition("channel", PENDING, wanted, "no channel")
        return
    led = _led(channel.endpoint, channel.tls) + ("" if channel.uses_gtid else " by position, not by GTID")
    led += "".join(f", {stray}" for stray in channel.unexpected_options[:SHOWN_SETTINGS_LIMIT])
    there = (channel.endpoint.host, channel.endpoint.port, channel.endpoint.user) == (
        end.host,
        end.port,
        end.user,
    )
    right = there and channel.tls == tls and channel.uses_gtid and not channel.unexpected_options
    yield Condition("channel", HELD if right else PENDING, wanted, led)
    yield _receiver(channel, observed.retried_errors, dialect)
    if plan_position_repair(server, None if observed.source is None else observed.source.history) is not None:
        yield Condition("applier", PENDING, "running", "stopped before what the server has logged already")
    else:
        yield _applier(channel, observed.retried_errors, dialect)
    yield _lag(desired, channel)
    yield _contained(observed, server)


def _led(end: Endpoint, tls: TlsOptions) -> str:
    return f"{end.user}@{format_host_port(end.host, end.port)}, {tls}"


def _source_seen(source: Source, observed: ObservedState, dialect: SqlDialect) -> Condition:
    wanted = f"a login as {source.user.name} at {format_host_port(source.address, source.port)}"
    seen = observed.source
    if seen is None:
        return Condition("source", PENDING, wanted, "not tried yet")
    if seen.error is not None:
        return _failed("source", wanted, dialect, seen.error, FailureStage.CONNECTING)
    if not seen.binary_log:
        do = "set log_bin in the source's option file and restart it"
        return Condition("source", FINAL, "a source with a binary log", "its binary log is off", do)
    said = f"server id {seen.server_id}, {seen.version}"
    if seen.certificate_days is not None and seen.certificate_days < EXPIRY_WARNING_DAYS:
        said += f"; its certificate expires in {seen.certificate_days} days: renew it"
    return Condition("source", HELD, wanted, said)


def _receiver(channel: ChannelState, started: frozenset[int], dialect: SqlDialect) -> Condition:
    if channel.receiver is ReceiverState.RUNNING:
        return Condition("receiver", HELD, "running", "running")
    if channel.receiver_error is None:
        return Condition("receiver", PENDING, "running", str(channel.receiver))
    place = (
        FailureStage.CONNECTING if channel.receiver is ReceiverState.CONNECTING else FailureStage.RECEIVING
    )
    return _failed("receiver", "running", dialect, channel.receiver_error, place, started)


def _applier(channel: ChannelState, started: frozenset[int], dialect: SqlDialect) -> Condition:
    if channel.applier_error is not None:
        return _failed("applier", "running", dialect, channel.applier_error, FailureStage.APPLYING, started)
    return _holds("applier", "running", "running" if channel.is_applier_running else "stopped")


def _failed(
    name: str,
    wanted: str,
    dialect: SqlDialect,
    error: ServerError,
    place: FailureStage,
    started: frozenset[int] = frozenset(),
) -> Condition:
    """Final where it will not pass, or where the one start that might have repaired it was made already."""
    diagnosis = dialect.diagnose_error(error, place)
    final = diagnosis.kind is FailureKind.FAIL or (
        diagnosis.kind is FailureKind.REPAIR and error.number in started
    )
    agreement = FINAL if final else PENDING
    seen = f"{error} ({diagnosis.meaning})" if diagnosis.meaning else str(error)
    return Condition(name, agreement, wanted, seen, diagnosis.advice)


def _lag(desired: DesiredState, channel: ChannelState) -> Condition:
    wanted = f"at most {desired.max_lag} s"
    if channel.lag is None or channel.receiver is not ReceiverState.RUNNING:
        return Condition("lag", PENDING, wanted, "not known")
    return Condition("lag", HELD if channel.lag <= desired.max_lag else PENDING, wanted, f"{channel.lag} s")


def _contained(observed: ObservedState, server: ServerState) -> Condition:
    wanted = "all that the source had when verification began"
    if observed.target_history is None:
        return Condition("history", PENDING, wanted, "the source's position is not known")
    if observed.source is not None and can_be_unacknowledged(server, observed.source):
        seen = "more: commits wait on the source for the acknowledgement of a semi-synchronous replica"
        return Condition("history", PENDING, "nothing that the source does not show", seen)
    # What is logged and not known as applied is about to be applied again.
    applied = server.history if server.unrecorded_gtids is None else server.unrecorded_gtids.applied_history
    executed, target = shorten_gtids(str(applied)), shorten_gtids(str(observed.target_history))
    if applied.family == observed.target_history.family and _holds_target(
        applied, observed.target_history, observed
    ):
        return _judge_comparison(observed, Condition("history", HELD, wanted, executed))
    return Condition("history", PENDING, f"{wanted} ({target})", executed)


def _judge_comparison(observed: ObservedState, held: Condition) -> Condition:
    """Hold a complete history back until the logs are compared, unless that is not possible."""
    if observed.comparison_pending_reason:
        reason = observed.comparison_pending_reason
        seen = f"the binary logs of this source since its restart have not been compared yet ({reason})"
        do = "the next pass goes on with it; if this lasts: may the replication user read the source's binary log?"
        return Condition(
            "history", PENDING, "the same transactions in the binary logs of both servers", seen, do
        )
    if observed.comparison_impossible_reason:
        reason = observed.comparison_impossible_reason
        seen = f"the binary logs of this source since its restart cannot be compared ({reason})"
        return replace(held, actual=f"{held.actual}; {seen}")
    return held


def _holds_target(history: GtidHistory, target: GtidHistory, observed: ObservedState) -> bool:
    """Directly, or by what the source has now: since the target was noted, another server id may have written there."""
    if history.contains(target):
        return True
    now = None if observed.source is None else observed.source.history
    return now is not None and now.family == target.family and now.contains(target) and history.contains(now)
