"""A database in memory and a source that says what it is told: for tests of the agent, ours and others'."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import TypeVar

from guestagent.database.edge import Dialect
from guestagent.database.gtid import History, MariadbHistory
from guestagent.database.mariadb.dialect import PLUGIN, MariadbDialect, native_hash
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
from guestagent.metadata.document import Tls, Unresolved
from guestagent.secret import Secret

T = TypeVar("T", str, int)

FRESH = ServerState(
    version="10.11.0-MariaDB",
    server_id=1,
    binary_log=True,
    gtid=True,
    read_only=True,
    history=MariadbHistory(),
)
"""A server as an image boots it: empty, with a binary log, read-only."""


class Died(Exception):
    """The agent ends here, as after kill -9. Nothing of ours catches it."""


class FakeDatabase:
    """A MariaDB in memory. `state` may be replaced at any time; `writes` counts statements that took effect.

    `dies_after`: that many statements take effect, then Died: between two steps, and in the middle of one.
    `upstream`: what a running channel has applied; `connects_with`: what its receiver meets instead. `running`: its
    global variables, which at first have the server's own values.
    """

    def __init__(
        self,
        state: ServerState = FRESH,
        *,
        dies_after: int | None = None,
        upstream: MariadbHistory | None = None,
        connects_with: ServerError | None = None,
        running: Mapping[str, str] | None = None,
    ) -> None:
        self.running, self.defaults = dict(running or {}), dict(running or {})
        self.dialect: Dialect = MariadbDialect()
        self.state = state
        self.applied: list[Step] = []
        self.writes = 0
        self.closed = False
        self._followed = MariadbHistory()
        self._dies_after, self._upstream, self._connects_with = dies_after, upstream, connects_with

    def reborn(self) -> FakeDatabase:
        """The same server, found by the next agent; nothing dies again."""
        again = FakeDatabase(self.state, upstream=self._upstream, connects_with=self._connects_with)
        again.running, again.defaults = self.running, self.defaults
        return again

    def observe(self) -> ServerState:
        return self.state

    def variables(self, names: Collection[str]) -> Mapping[str, str]:
        return {name: value for name, value in self.running.items() if name in names}

    def catch_up(self, history: History, seconds: float) -> None:
        """A running channel has applied all that there is."""

    def apply(self, step: Step) -> None:
        for state in self._states(step):
            if self.writes == self._dies_after:
                raise Died
            self.state = state
            self.writes += 1
        self.applied.append(step)

    def close(self) -> None:
        self.closed = True

    def _states(self, step: Step) -> Iterable[ServerState]:
        """What the server is after each statement of the step."""
        match step:
            case SetServerId(server_id):
                yield replace(self.state, server_id=_known(server_id))
            case SetReadOnly(on):
                yield replace(self.state, read_only=on, restricted=False)
            case StopChannel() | PointChannel() | StartChannel():
                yield self._channelled(step)
            case RecordPosition():
                yield replace(self.state, unrecorded=None)
            case SetVariable(name, value):
                if name not in self.running:
                    raise DatabaseRefused(str(step), 1193, f"Unknown system variable '{name}'")
                self.running[name] = self.defaults.get(name, "") if value == SERVER_DEFAULT else value
                yield self.state
            case CreateMarker(again):
                if self.state.marker and not again:
                    raise DatabaseRefused(str(step), 1396, "Operation CREATE ROLE failed")
                yield replace(self._logged(), marker=True)
            case DropAccount(account, again):
                if not again:
                    self._existing(account, step)
                yield self._with(account, None)
            case CreateAccount() | RemakeAccount() | SetPassword() | SetDemand() | DiscardPassword() | SetPrivileges():
                yield from self._accounted(step)

    def _accounted(
        self, step: CreateAccount | RemakeAccount | SetPassword | SetDemand | DiscardPassword | SetPrivileges
    ) -> Iterable[ServerState]:
        match step:
            case CreateAccount(account, password, tls):
                if self.state.account(account) is not None:
                    raise DatabaseRefused(str(step), 1396, "Operation CREATE USER failed")
                made = AccountState(account, PLUGIN, _proof(password))
                yield self._with(account, _demanding(made, tls, step.require_certificate))
                yield from self._granted(account, step)
            case RemakeAccount(account, password, tls):
                made = AccountState(account, PLUGIN, _proof(password), retained=step.beside)
                yield self._with(account, _demanding(made, tls, step.require_certificate))
                yield from self._granted(account, step)
            case SetPassword(account, password, tls):
                seen = self._existing(account, step)
                new = replace(seen, plugin=PLUGIN, proof=_proof(password), retained=step.beside)
                yield self._with(account, _demanding(new, tls, step.require_certificate))
            case SetDemand(account, tls, by_certificate):
                yield self._with(account, _demanding(self._existing(account, step), tls, by_certificate))
            case DiscardPassword(account, proof):
                yield self._with(account, replace(self._existing(account, step), proof=proof, retained=None))
            case SetPrivileges(account):
                seen = self._existing(account, step, 1133)
                if seen.privileges - REPLICATION or seen.others:
                    bare = replace(seen, privileges=frozenset(), others=False, marked=False)
                    yield self._with(account, bare)
                yield from self._granted(account, step)

    def _granted(self, account: Account, step: Step) -> Iterable[ServerState]:
        yield self._with(account, replace(self._existing(account, step), privileges=REPLICATION))
        if not self.state.marker:
            raise DatabaseRefused(str(step), 1959, "Invalid role specification")
        yield self._with(account, replace(self._existing(account, step), marked=True))

    def _channelled(self, step: StopChannel | PointChannel | StartChannel) -> ServerState:
        channel = self.state.channel
        match step:
            case PointChannel(host, port, user):
                if channel is not None and not channel.stopped:
                    raise DatabaseRefused(str(step), 1198, "This operation cannot be performed")
                end = Endpoint(_known(host), port, _known(user), step.tls)
                pointed = ChannelState(end, True, Receiver.STOPPED, applier=False, tls=step.options)
                return replace(self.state, channel=pointed)
            case StopChannel():
                if channel is None:
                    return self.state
                stopped = replace(channel, receiver=Receiver.STOPPED, applier=False, lag=None)
                return replace(self.state, channel=stopped)
            case StartChannel():
                if channel is None:
                    raise DatabaseRefused(str(step), 1200, "Misconfigured slave: MASTER_HOST was not set")
                return self._started(channel)

    def _started(self, channel: ChannelState) -> ServerState:
        error = self._connects_with
        if error is not None:
            trying = replace(channel, receiver=Receiver.CONNECTING, applier=True, receiver_error=error)
            return replace(self.state, channel=trying)
        well = replace(channel, receiver_error=None, applier_error=None)
        running = replace(well, receiver=Receiver.RUNNING, applier=True, lag=0)
        self._followed = self._upstream or MariadbHistory()
        return replace(self.state, channel=running, history=self._upstream or self.state.history)

    def _existing(self, account: Account, step: Step, otherwise: int = 1396) -> AccountState:
        seen = self.state.account(account)
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
        last = self.state.history.last
        number = max(last.values(), default=0) + 1
        history = MariadbHistory({**last, (0, self.state.server_id): number})
        return replace(self.state, history=history, own=history.own(self._followed))


class FakeSourceView:
    """Answers `answers` in turn, the last one for ever; without any, nobody listens.

    `looks` and `logins`: those taken.
    """

    def __init__(self, *answers: SourceState) -> None:
        self._answers = list(answers or (SourceState(error=ServerError(2003, "Connection refused")),))
        self.looks: list[tuple[str, int, str]] = []
        self.logins: list[tuple[str, int, str]] = []

    def keeping(self) -> AbstractContextManager[None]:
        return nullcontext()

    def look(
        self, host: str, port: int, user: str, password: Secret, tls: Tls | None = None
    ) -> SourceState:
        self.looks.append((host, port, user))
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


def _proof(password: Secret | Unresolved) -> Secret:
    if isinstance(password, Unresolved):
        raise TypeError(f"the template function {password} has no value yet")
    return native_hash(password)


def _known(value: T | Unresolved) -> T:
    if isinstance(value, Unresolved):
        raise TypeError(f"the template function {value} has no value yet")
    return value
