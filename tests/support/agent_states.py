"""Little builders: a state readable on one line."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from guestagent.agent.journal_state import Fingerprint, JournalState
from guestagent.agent.model import DesiredAccount, DesiredState, ObservedState
from guestagent.database.diagnosis import Diagnosis, FailureStage
from guestagent.database.gtid_history import MariadbHistory
from guestagent.database.mariadb import MariadbDialect
from guestagent.database.state import (
    REPLICATION_PRIVILEGES,
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
    """A dialect whose stored proof is the password itself, spelled backwards; its errors are MariaDB's."""

    family = "plain"
    plugin = "plain"
    has_atomic_accounts = False

    def format_statements(self, step: Step) -> tuple[str, ...]:
        return (str(step),)

    def list_host_patterns(self, network: str | None) -> tuple[str, ...]:
        return (network or "%",)

    def verify_password(self, plugin: str, proof: Secret, password: Secret) -> bool:
        return proof.reveal() == password.reveal()[::-1]

    def diagnose_error(self, error: ServerError, place: FailureStage) -> Diagnosis:
        return MariadbDialect().diagnose_error(error, place)


DIALECT = PlainDialect()


def build_history(position: str) -> MariadbHistory:
    return MariadbHistory.parse(position)


def build_server(gtids: str = "", **changes: Any) -> ServerState:
    """A fresh server as the image makes it, with `changes`."""
    fresh = ServerState(
        version="10.11", server_id=1, binary_log=True, gtid=True, read_only=True, history=build_history(gtids)
    )
    return replace(fresh, **changes)


def build_account(of: Account = SLAVE, password: str = "pw", **changes: Any) -> AccountState:
    """A managed account as the agent makes it, with `changes`."""
    made = AccountState(of, "plain", build_proof(password), REPLICATION_PRIVILEGES, is_marked=True)
    return replace(made, **changes)


def build_proof(password: str) -> Secret:
    """What the plain server stores of it."""
    return Secret(password[::-1])


def build_channel(to: str = "10.0.0.7", **changes: Any) -> ChannelState:
    """A channel that runs well, with `changes`."""
    well = ChannelState(
        Endpoint(to, 3306, "slave0000"),
        uses_gtid=True,
        receiver=ReceiverState.RUNNING,
        is_applier_running=True,
        lag=0,
    )
    return replace(well, **changes)


def build_desired_source(*accounts: Account) -> DesiredState:
    wanted = tuple(DesiredAccount(a, PASSWORD) for a in accounts)
    return DesiredState(Role.SOURCE, server_id=7, accounts=wanted)


def build_desired_replica(address: str = "10.0.0.7") -> DesiredState:
    return DesiredState(Role.REPLICA, server_id=8, source=Source(address, User("slave0000", PASSWORD)))


def build_source_state(gtids: str = "", server_id: int = 7, **changes: Any) -> SourceState:
    seen = SourceState(server_id=server_id, binary_log=True, history=build_history(gtids), version="10.11")
    return replace(seen, **changes)


def build_failed_source(number: int, text: str) -> SourceState:
    return SourceState(error=ServerError(number, text))


def build_observed(state: ServerState, source: SourceState | None = None) -> ObservedState:
    return ObservedState(state, source=source, target_history=source.history if source else None)


def build_memory(password: str = "pw", *accounts: Account) -> JournalState:
    """The memory of an agent that gave the channel this password and made these accounts."""
    return JournalState(channel=Fingerprint.compute(Secret(password)), accounts=frozenset(accounts))


def format_steps(steps: tuple[Step, ...]) -> list[str]:
    return [str(step) for step in steps]
