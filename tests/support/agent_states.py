"""Builders of states that can be read on one line, and the decisions about them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from guestagent.agent.conditions import judge_readiness
from guestagent.agent.desired_accounts import DesiredAccount
from guestagent.agent.journal_state import Fingerprint, JournalState
from guestagent.agent.model import DesiredState, ObservedState, Readiness
from guestagent.agent.plan import plan_steps
from guestagent.agent.preconditions import find_refusal
from guestagent.database.account_purpose import REPLICATION_PRIVILEGES, AccountPurpose
from guestagent.database.error_diagnosis import Diagnosis, FailureStage
from guestagent.database.mariadb import MariadbDialect
from guestagent.database.mariadb.gtid import MariadbHistory
from guestagent.database.protocols import SqlDialect
from guestagent.database.state import (
    Account,
    AccountState,
    ChannelState,
    Endpoint,
    ReceiverState,
    ServerError,
    ServerState,
    SourceState,
)
from guestagent.database.steps import Step
from guestagent.metadata.document import Role, Source, User
from guestagent.secret import Secret

PASSWORD = Secret("pw")
SLAVE = Account("slave0000", "%")


class PlainDialect:
    """A dialect whose password hash is the password itself, reversed; its errors are MariaDB's."""

    family = "plain"
    plugin = "plain"
    has_atomic_accounts = False

    def format_statements(self, step: Step) -> tuple[str, ...]:
        return (str(step),)

    def list_host_patterns(self, network: str | None) -> tuple[str, ...]:
        return (network or "%",)

    def get_privileges(self, purpose: AccountPurpose) -> frozenset[str]:
        return MariadbDialect().get_privileges(purpose)

    def verify_password(self, plugin: str, password_hash: Secret, password: Secret) -> bool:
        return password_hash.reveal() == password.reveal()[::-1]

    def diagnose_error(self, error: ServerError, stage: FailureStage) -> Diagnosis:
        return MariadbDialect().diagnose_error(error, stage)


DIALECT = PlainDialect()


def build_history(position: str) -> MariadbHistory:
    return MariadbHistory.parse(position)


def build_server(gtids: str = "", **changes: Any) -> ServerState:
    """A fresh server as the image makes it, with `changes`."""
    server = ServerState(
        version="10.11", server_id=1, binary_log=True, gtid=True, read_only=True, history=build_history(gtids)
    )
    return replace(server, **changes)


def build_account(name: Account = SLAVE, password: str = "pw", **changes: Any) -> AccountState:
    """A managed account as the agent makes it, with `changes`."""
    account = AccountState(name, "plain", build_proof(password), REPLICATION_PRIVILEGES, is_marked=True)
    return replace(account, **changes)


def build_proof(password: str) -> Secret:
    """Build the password hash that the plain server stores."""
    return Secret(password[::-1])


def build_channel(host: str = "10.0.0.7", **changes: Any) -> ChannelState:
    """A channel that runs without errors, with `changes`."""
    channel = ChannelState(
        Endpoint(host, 3306, "slave0000"),
        uses_gtid=True,
        receiver=ReceiverState.RUNNING,
        is_applier_running=True,
        lag=0,
    )
    return replace(channel, **changes)


def build_desired_source(*accounts: Account) -> DesiredState:
    desired_accounts = tuple(DesiredAccount(account, PASSWORD) for account in accounts)
    return DesiredState(Role.SOURCE, server_id=7, accounts=desired_accounts)


def build_desired_replica(address: str = "10.0.0.7") -> DesiredState:
    return DesiredState(Role.REPLICA, server_id=8, source=Source(address, User("slave0000", PASSWORD)))


def build_source_state(gtids: str = "", server_id: int = 7, **changes: Any) -> SourceState:
    state = SourceState(server_id=server_id, binary_log=True, history=build_history(gtids), version="10.11")
    return replace(state, **changes)


def build_failed_source(number: int, text: str) -> SourceState:
    return SourceState(error=ServerError(number, text))


def build_observed(state: ServerState, source: SourceState | None = None) -> ObservedState:
    return ObservedState(state, source=source, target_history=source.history if source else None)


def build_memory(password: str = "pw", *accounts: Account) -> JournalState:
    """The memory of an agent that gave the channel this password and made these accounts."""
    return JournalState(channel=Fingerprint.compute(Secret(password)), accounts=frozenset(accounts))


def plan_allowed_steps(
    desired: DesiredState,
    observed: ObservedState,
    memory: JournalState | None = None,
    dialect: SqlDialect = DIALECT,
) -> tuple[Step, ...]:
    """Plan as a pass does: not without the preconditions."""
    refusal = find_refusal(desired, observed)
    return plan_steps(desired, observed, refusal, memory or build_memory(), dialect)


def judge_state(
    desired: DesiredState,
    observed: ObservedState,
    memory: JournalState | None = None,
    dialect: SqlDialect = DIALECT,
) -> Readiness:
    """Judge as a pass does: with the preconditions."""
    refusal = find_refusal(desired, observed)
    return judge_readiness(desired, observed, refusal, memory or build_memory(), dialect)
