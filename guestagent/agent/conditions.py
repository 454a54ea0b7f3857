"""The conditions of readiness: all must hold before SUCCESS may be signalled. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from guestagent.agent.journal_state import JournalState
from guestagent.agent.model import Condition, ConditionState, DesiredState, ObservedState, Readiness
from guestagent.agent.refusal import Refusal
from guestagent.agent.replica_conditions import judge_replica
from guestagent.agent.source_conditions import judge_source
from guestagent.database.error_diagnosis import FailureKind
from guestagent.database.pending_statement import PendingStatement
from guestagent.database.protocols import SqlDialect
from guestagent.database.state import ServerState
from guestagent.database.statement_diagnosis import diagnose_statement_error
from guestagent.errors import DatabaseRefused

PENDING_ADVICE = (
    "the agent continues when the statement ends; SHOW PROCESSLIST shows the long statement or the session that holds "
    "the lock for which it waits"
)


def judge_readiness(
    desired: DesiredState,
    observed: ObservedState,
    refusal: Refusal | None,
    memory: JournalState,
    dialect: SqlDialect,
) -> Readiness:
    """Judge every condition of the node's role. A condition that was not measured does not hold."""
    server = observed.server
    conditions = [Condition("server", ConditionState.HELD, "an answer", server.version)]
    if refusal is not None:
        conditions.append(Condition.from_refusal(refusal))
    conditions += _judge_identity(desired, server)
    if desired.source is not None:
        conditions += judge_replica(desired, desired.source, observed, dialect)
    else:
        conditions += judge_source(desired, observed, memory, dialect)
    return Readiness.from_conditions(*conditions)


def judge_rejected_statement(error: DatabaseRefused) -> Condition:
    """Judge a statement or a login that the local server rejected: final if trying again cannot help."""
    diagnosis = diagnose_statement_error(error)
    actual = f"{error} ({diagnosis.meaning})" if diagnosis.meaning else str(error)
    state = ConditionState.FINAL if diagnosis.kind is FailureKind.FAIL else ConditionState.PENDING
    return Condition("step", state, "every step done", actual, diagnosis.advice)


def judge_missing_address(peer: str) -> Condition:
    """Judge a node without an address from which its server id could be derived."""
    expected, actual = "one derived from this node's address", f"no route to {peer}, so no address"
    advice = "are network and DNS up? or give the node its own GuestAgent.ServerId"
    return Condition("server id", ConditionState.PENDING, expected, actual, advice)


def judge_pending_statement(statement: PendingStatement) -> Condition:
    """Judge a step that is not applied, because the server still executes an earlier statement."""
    return Condition("step", ConditionState.PENDING, "every step done", str(statement), PENDING_ADVICE)


def _judge_identity(desired: DesiredState, server: ServerState) -> Iterator[Condition]:
    origin = " (derived from the address)" if desired.is_server_id_derived else ""
    has_desired_id = server.server_id == desired.server_id
    state = ConditionState.HELD if has_desired_id else ConditionState.PENDING
    yield Condition("server id", state, f"{desired.server_id}{origin}", str(server.server_id))
    yield Condition.compare("GTID", "on", "on" if server.gtid else "off")
