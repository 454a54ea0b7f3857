"""Little builders: a state readable on one line."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from guestagent.agent.journal_memory import Fingerprint, Memory
from guestagent.agent.model import Desired, Observed, WantedAccount
from guestagent.database.failures import Diagnosis, Place
from guestagent.database.gtid import MariadbHistory
from guestagent.database.mariadb import MariadbDialect
from guestagent.database.state import (
    REPLICATION,
    Account,
    AccountState,
    ChannelState,
    Endpoint,
    Receiver,
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
    atomic_accounts = False

    def statements(self, step: Step) -> tuple[str, ...]:
        return (str(step),)

    def host_patterns(self, network: str | None) -> tuple[str, ...]:
        return (network or "%",)

    def proves(self, plugin: str, proof: Secret, password: Secret) -> bool:
        return proof.reveal() == password.reveal()[::-1]

    def diagnose(self, error: ServerError, place: Place) -> Diagnosis:
        return MariadbDialect().diagnose(error, place)


DIALECT = PlainDialect()


def history(position: str) -> MariadbHistory:
    return MariadbHistory.of(position)


def server(gtids: str = "", **changes: Any) -> ServerState:
    """A fresh server as the image makes it, with `changes`."""
    fresh = ServerState(
        version="10.11", server_id=1, binary_log=True, gtid=True, read_only=True, history=history(gtids)
    )
    return replace(fresh, **changes)


def account(of: Account = SLAVE, password: str = "pw", **changes: Any) -> AccountState:
    """A managed account as the agent makes it, with `changes`."""
    made = AccountState(of, "plain", stored(password), REPLICATION, marked=True)
    return replace(made, **changes)


def stored(password: str) -> Secret:
    """What the plain server stores of it."""
    return Secret(password[::-1])


def channel(to: str = "10.0.0.7", **changes: Any) -> ChannelState:
    """A channel that runs well, with `changes`."""
    well = ChannelState(
        Endpoint(to, 3306, "slave0000"), by_gtid=True, receiver=Receiver.RUNNING, applier=True, lag=0
    )
    return replace(well, **changes)


def source_wanted(*accounts: Account) -> Desired:
    wanted = tuple(WantedAccount(a, PASSWORD) for a in accounts)
    return Desired(Role.SOURCE, server_id=7, accounts=wanted)


def replica_wanted(address: str = "10.0.0.7") -> Desired:
    return Desired(Role.REPLICA, server_id=8, source=Source(address, User("slave0000", PASSWORD)))


def source_seen(gtids: str = "", server_id: int = 7, **changes: Any) -> SourceState:
    seen = SourceState(server_id=server_id, binary_log=True, history=history(gtids), version="10.11")
    return replace(seen, **changes)


def unseen(number: int, text: str) -> SourceState:
    return SourceState(error=ServerError(number, text))


def seen(state: ServerState, source: SourceState | None = None) -> Observed:
    return Observed(state, source=source, target=source.history if source else None)


def knowing(password: str = "pw", *accounts: Account) -> Memory:
    """The memory of an agent that gave the channel this password and made these accounts."""
    return Memory(channel=Fingerprint.take(Secret(password)), accounts=frozenset(accounts))


def said(steps: tuple[Step, ...]) -> list[str]:
    return [str(step) for step in steps]
