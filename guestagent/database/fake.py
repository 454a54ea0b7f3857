"""A database in memory and a source that says what it is told: for tests of the agent, ours and others'."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import TypeVar

from guestagent.database.gtid_history import GtidHistory
from guestagent.database.mariadb.gtid import MariadbHistory
from guestagent.database.mariadb.password_hash import hash_password
from guestagent.database.mariadb.statements import AUTH_PLUGIN, MariadbDialect
from guestagent.database.protocols import SqlDialect
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
from guestagent.database.steps import (
    SERVER_DEFAULT,
    CreateAccount,
    CreateMarker,
    DiscardPassword,
    DropAccount,
    PointChannel,
    RecordPosition,
    RemakeAccount,
    SetDemand,
    SetPassword,
    SetPrivileges,
    SetReadOnly,
    SetServerId,
    SetVariable,
    StartChannel,
    Step,
    StopChannel,
)
from guestagent.errors import DatabaseRefused
from guestagent.metadata.document import Tls, UnresolvedFunction
from guestagent.secret import Secret

T = TypeVar("T", str, int)

FRESH_SERVER = ServerState(
    version="10.11.0-MariaDB",
    server_id=1,
    binary_log=True,
    gtid=True,
    read_only=True,
    history=MariadbHistory(),
)
"""A server as an image boots it: empty, with a binary log, read-only."""


class SimulatedCrash(Exception):
    """The agent ends here, as after kill -9. Nothing of ours catches it."""


class FakeDatabase:
    """A MariaDB in memory. `state` may be replaced at any time; `writes` counts statements that took effect.

    `dies_after`: that many statements take effect, then Died: between two steps, and in the middle of one.
    `upstream`: what a running channel has applied; `connects_with`: what its receiver meets instead. `running`: its
    global variables, which at first have the server's own values.
    """

    def __init__(
        self,
        state: ServerState = FRESH_SERVER,
        *,
        dies_after: int | None = None,
        upstream: MariadbHistory | None = None,
        connects_with: ServerError | None = None,
        running: Mapping[str, str] | None = None,
    ) -> None:
        self.global_variables, self.default_variables = dict(running or {}), dict(running or {})
        self.dialect: SqlDialect = MariadbDialect()
        self.state = state
        self.applied_steps: list[Step] = []
        self.write_count = 0
        self.is_closed = False
        self._followed = MariadbHistory()
        self._dies_after, self._upstream, self._connects_with = dies_after, upstream, connects_with

    def reopen(self) -> FakeDatabase:
        """The same server, found by the next agent; nothing dies again."""
        again = FakeDatabase(self.state, upstream=self._upstream, connects_with=self._connects_with)
        again.global_variables, again.default_variables = self.global_variables, self.default_variables
        return again

    def observe(self) -> ServerState:
        return self.state

    def read_variables(self, names: Collection[str]) -> Mapping[str, str]:
        return {name: value for name, value in self.global_variables.items() if name in names}

    def wait_for_history(self, history: GtidHistory, seconds: float) -> None:
        """A running channel has applied all that there is."""

    def apply(self, step: Step) -> None:
        for state in self._states(step):
            if self.write_count == self._dies_after:
                raise SimulatedCrash
            self.state = state
            self.write_count += 1
        self.applied_steps.append(step)

    def close(self) -> None:
        self.is_closed = True

    def _states(self, step: Step) -> Iterable[ServerState]:
        """What the server is after each statement of the step."""
        match step:
            case SetServerId(server_id):
                yield replace(self.state, server_id=_known(server_id))
            case SetReadOnly(on):
                yield replace(self.state, read_only=on, is_restricted=False)
            case StopChannel() | PointChannel() | StartChannel():
                yield self._channelled(step)
            case RecordPosition():
                yield replace(self.state, unrecorded_gtids=None)
            case SetVariable(name, value):
                if name not in self.global_variables:
                    raise DatabaseRefused(str(step), 1193, f"Unknown system variable '{name}'")
                self.global_variables[name] = (
                    self.default_variables.get(name, "") if value == SERVER_DEFAULT else value
                )
                yield self.state
            case CreateMarker(again):
                if self.state.has_marker and not again:
                    raise DatabaseRefused(str(step), 1396, "Operation CREATE ROLE failed")
                yield replace(self._logged(), has_marker=True)
            case DropAccount(account, again):
                if not again:
                    self._existing(account, step)
                yield self._with(account, None)
            case (
                CreateAccount()
                | RemakeAccount()
                | SetPassword()
                | SetDemand()
                | DiscardPassword()
                | SetPrivileges()
            ):
                yield from self._accounted(step)

    def _accounted(
        self, step: CreateAccount | RemakeAccount | SetPassword | SetDemand | DiscardPassword | SetPrivileges
    ) -> Iterable[ServerState]:
        match step:
            case CreateAccount(account, password, tls):
                if self.state.find_account(account) is not None:
                    raise DatabaseRefused(str(step), 1396, "Operation CREATE USER failed")
                made = AccountState(account, AUTH_PLUGIN, _proof(password))
                yield self._with(account, _demanding(made, tls, step.require_certificate))
                yield from self._granted(account, step)
            case RemakeAccount(account, password, tls):
                made = AccountState(account, AUTH_PLUGIN, _proof(password), retained_hash=step.retained_hash)
                yield self._with(account, _demanding(made, tls, step.require_certificate))
                yield from self._granted(account, step)
            case SetPassword(account, password, tls):
                seen = self._existing(account, step)
                new = replace(
                    seen, plugin=AUTH_PLUGIN, password_hash=_proof(password), retained_hash=step.retained_hash
                )
                yield self._with(account, _demanding(new, tls, step.require_certificate))
            case SetDemand(account, tls, by_certificate):
                yield self._with(account, _demanding(self._existing(account, step), tls, by_certificate))
            case DiscardPassword(account, proof):
                yield self._with(
                    account, replace(self._existing(account, step), password_hash=proof, retained_hash=None)
                )
            case SetPrivileges(account):
                seen = self._existing(account, step, 1133)
                if seen.privileges - REPLICATION_PRIVILEGES or seen.has_other_privileges:
                    bare = replace(seen, privileges=frozenset(), has_other_privileges=False, is_marked=False)
                    yield self._with(account, bare)
                yield from self._granted(account, step)

    def _granted(self, account: Account, step: Step) -> Iterable[ServerState]:
        yield self._with(account, replace(self._existing(account, step), privileges=REPLICATION_PRIVILEGES))
        if not self.state.has_marker:
            raise DatabaseRefused(str(step), 1959, "Invalid role specification")
        yield self._with(account, replace(self._existing(account, step), is_marked=True))

    def _channelled(self, step: StopChannel | PointChannel | StartChannel) -> ServerState:
        channel = self.state.channel
        match step:
            case PointChannel(host, port, user):
                if channel is not None and not channel.is_stopped:
                    raise DatabaseRefused(str(step), 1198, "This operation cannot be performed")
                end = Endpoint(_known(host), port, _known(user), step.tls)
                pointed = ChannelState(
                    end, True, ReceiverState.STOPPED, is_applier_running=False, tls=step.tls_options
                )
                return replace(self.state, channel=pointed)
            case StopChannel():
                if channel is None:
                    return self.state
                stopped = replace(channel, receiver=ReceiverState.STOPPED, is_applier_running=False, lag=None)
                return replace(self.state, channel=stopped)
            case StartChannel():
                if channel is None:
                    raise DatabaseRefused(str(step), 1200, "Misconfigured slave: MASTER_HOST was not set")
                return self._started(channel)

    def _started(self, channel: ChannelState) -> ServerState:
        error = self._connects_with
        if error is not None:
            trying = replace(
                channel, receiver=ReceiverState.CONNECTING, is_applier_running=True, receiver_error=error
            )
            return replace(self.state, channel=trying)
        well = replace(channel, receiver_error=None, applier_error=None)
        running = replace(well, receiver=ReceiverState.RUNNING, is_applier_running=True, lag=0)
        self._followed = self._upstream or MariadbHistory()
        return replace(self.state, channel=running, history=self._upstream or self.state.history)

    def _existing(self, account: Account, step: Step, otherwise: int = 1396) -> AccountState:
        seen = self.state.find_account(account)
        if seen is None:
            raise DatabaseRefused(str(step), otherwise, "there is no such account")
        return seen

    def _with(self, account: Account, new: AccountState | None) -> ServerState:
        others = (seen for seen in self.state.accounts if seen.account != account)
        accounts = (*others, new) if new is not None else tuple(others)
        return replace(self._logged(), accounts=tuple(sorted(accounts, key=lambda seen: seen.account)))

    def _logged(self) -> ServerState:
        """One more transaction in the binary log: account statements are, even those that change nothing."""
        if not self.state.binary_log or not isinstance(self.state.history, MariadbHistory):
            return self.state
        last = self.state.history.sequence_numbers
        number = max(last.values(), default=0) + 1
        history = MariadbHistory({**last, (0, self.state.server_id): number})
        return replace(self.state, history=history, local_gtids=history.format_local_gtids(self._followed))


class FakeSourceProbe:
    """Answers `answers` in turn, the last one for ever; without any, nobody listens.

    `looks` and `logins`: those taken.
    """

    def __init__(self, *answers: SourceState) -> None:
        self._answers = list(answers or (SourceState(error=ServerError(2003, "Connection refused")),))
        self.probes: list[tuple[str, int, str]] = []
        self.logins: list[tuple[str, int, str]] = []

    def reuse_session(self) -> AbstractContextManager[None]:
        return nullcontext()

    def probe(self, host: str, port: int, user: str, password: Secret, tls: Tls | None = None) -> SourceState:
        self.probes.append((host, port, user))
        return self._next()

    def try_login(
        self, host: str, port: int, user: str, password: Secret, tls: Tls | None = None
    ) -> ServerError | None:
        self.logins.append((host, port, user))
        return self._next().error

    def _next(self) -> SourceState:
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


def _demanding(seen: AccountState, tls: bool, certificate: bool) -> AccountState:
    return replace(seen, requires_tls=tls or certificate, requires_certificate=certificate)


def _proof(password: Secret | UnresolvedFunction) -> Secret:
    if isinstance(password, UnresolvedFunction):
        raise TypeError(f"the template function {password} has no value yet")
    return hash_password(password)


def _known(value: T | UnresolvedFunction) -> T:
    if isinstance(value, UnresolvedFunction):
        raise TypeError(f"the template function {value} has no value yet")
    return value
