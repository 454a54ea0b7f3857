"""A database server in memory and a source probe with fixed results, for tests of the agent."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

from guestagent.database.account_purpose import AccountPurpose
from guestagent.database.fake_channel import point_channel, require_value, start_channel, stop_channel
from guestagent.database.gtid_history import GtidHistory
from guestagent.database.mariadb.gtid import MariadbHistory
from guestagent.database.mariadb.password_hash import hash_password
from guestagent.database.mariadb.statements import AUTH_PLUGIN, MariadbDialect
from guestagent.database.protocols import SqlDialect
from guestagent.database.state import (
    Account,
    AccountState,
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
    LoadClonePlugin,
    PointChannel,
    RecordPosition,
    RemakeAccount,
    SetCopyNote,
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

FRESH_SERVER = ServerState(
    version="10.11.0-MariaDB",
    server_id=1,
    binary_log=True,
    gtid=True,
    read_only=True,
    history=MariadbHistory(),
)
"""A server at the first boot of an image: empty, with a binary log, read-only."""


class SimulatedCrash(Exception):
    """The agent is killed here, as by kill -9. The agent never catches it."""


class FakeDatabase:
    """A MariaDB in memory. `state` may be replaced at any time; `write_count` counts statements that took effect.

    `fails_after`: this number of statements take effect, then SimulatedCrash, between two steps or within one.
    `source_history`: applied by a running channel; `receiver_error`: the error of the receiver instead.
    `global_variables`: the server's variables, which initially have their default values.
    """

    def __init__(
        self,
        state: ServerState = FRESH_SERVER,
        *,
        fails_after: int | None = None,
        source_history: MariadbHistory | None = None,
        receiver_error: ServerError | None = None,
        global_variables: Mapping[str, str] | None = None,
    ) -> None:
        self.global_variables = dict(global_variables or {})
        self.default_variables = dict(global_variables or {})
        self.dialect: SqlDialect = MariadbDialect()
        self.state = state
        self.applied_steps: list[Step] = []
        self.write_count = 0
        self.is_closed = False
        self._applied_history = MariadbHistory()
        self._fails_after = fails_after
        self._source_history, self._receiver_error = source_history, receiver_error

    def reopen(self) -> FakeDatabase:
        """Return the same server for the next run of the agent, which does not crash."""
        reopened = FakeDatabase(
            self.state, source_history=self._source_history, receiver_error=self._receiver_error
        )
        reopened.global_variables, reopened.default_variables = self.global_variables, self.default_variables
        return reopened

    def observe(self) -> ServerState:
        return self.state

    def read_variables(self, names: Collection[str]) -> Mapping[str, str]:
        return {name: value for name, value in self.global_variables.items() if name in names}

    def wait_for_history(self, history: GtidHistory, seconds: float) -> None:
        """Return at once: a running channel has applied everything."""

    def apply(self, step: Step) -> None:
        for state in self._list_states(step):
            if self.write_count == self._fails_after:
                raise SimulatedCrash
            self.state = state
            self.write_count += 1
        self.applied_steps.append(step)

    def close(self) -> None:
        self.is_closed = True

    def _list_states(self, step: Step) -> Iterable[ServerState]:
        """Yield the server's state after each statement of the step."""
        match step:
            case SetServerId(server_id):
                yield replace(self.state, server_id=require_value(server_id))
            case SetReadOnly(is_read_only):
                yield replace(self.state, read_only=is_read_only, is_restricted=False)
            case PointChannel():
                yield replace(self.state, channel=point_channel(self.state.channel, step))
            case StopChannel():
                yield replace(self.state, channel=stop_channel(self.state.channel))
            case StartChannel():
                yield self._start_channel()
            case SetCopyNote(account, note):
                yield self._replace_account(
                    account, replace(self._require_account(account, step), copy_note=note)
                )
            case LoadClonePlugin():
                yield replace(self.state, clone_plugin="ACTIVE")
            case RecordPosition():
                yield replace(self.state, unrecorded_gtids=None)
            case SetVariable(name, value):
                if name not in self.global_variables:
                    raise DatabaseRefused(str(step), 1193, f"Unknown system variable '{name}'")
                self.global_variables[name] = (
                    self.default_variables.get(name, "") if value == SERVER_DEFAULT else value
                )
                yield self.state
            case CreateMarker(if_not_exists):
                if self.state.has_marker and not if_not_exists:
                    raise DatabaseRefused(str(step), 1396, "Operation CREATE ROLE failed")
                yield replace(self._log_transaction(), has_marker=True)
            case DropAccount(account, if_exists):
                if not if_exists:
                    self._require_account(account, step)
                yield self._replace_account(account, None)
            case (
                CreateAccount()
                | RemakeAccount()
                | SetPassword()
                | SetDemand()
                | DiscardPassword()
                | SetPrivileges()
            ):
                yield from self._list_account_states(step)

    def _list_account_states(
        self, step: CreateAccount | RemakeAccount | SetPassword | SetDemand | DiscardPassword | SetPrivileges
    ) -> Iterable[ServerState]:
        match step:
            case CreateAccount(account, password, tls):
                if self.state.find_account(account) is not None:
                    raise DatabaseRefused(str(step), 1396, "Operation CREATE USER failed")
                created = AccountState(account, AUTH_PLUGIN, _hash_resolved(password))
                yield self._replace_account(
                    account, _require_encryption(created, tls, step.require_certificate)
                )
                yield from self._list_grant_states(account, step.purpose, step)
            case RemakeAccount(account, password, tls):
                created = AccountState(
                    account, AUTH_PLUGIN, _hash_resolved(password), retained_hash=step.retained_hash
                )
                yield self._replace_account(
                    account, _require_encryption(created, tls, step.require_certificate)
                )
                yield from self._list_grant_states(account, step.purpose, step)
            case SetPassword(account, password, tls):
                current = self._require_account(account, step)
                changed = replace(
                    current,
                    plugin=AUTH_PLUGIN,
                    password_hash=_hash_resolved(password),
                    retained_hash=step.retained_hash,
                )
                yield self._replace_account(
                    account, _require_encryption(changed, tls, step.require_certificate)
                )
            case SetDemand(account, tls, certificate):
                yield self._replace_account(
                    account, _require_encryption(self._require_account(account, step), tls, certificate)
                )
            case DiscardPassword(account, current_hash):
                yield self._replace_account(
                    account,
                    replace(
                        self._require_account(account, step), password_hash=current_hash, retained_hash=None
                    ),
                )
            case SetPrivileges(account, purpose):
                current = self._require_account(account, step, 1133)
                if current.privileges - self.dialect.get_privileges(purpose) or current.has_other_privileges:
                    unprivileged = replace(
                        current, privileges=frozenset(), has_other_privileges=False, is_marked=False
                    )
                    yield self._replace_account(account, unprivileged)
                yield from self._list_grant_states(account, purpose, step)

    def _list_grant_states(
        self, account: Account, purpose: AccountPurpose, step: Step
    ) -> Iterable[ServerState]:
        privileges = self.dialect.get_privileges(purpose)
        yield self._replace_account(
            account, replace(self._require_account(account, step), privileges=privileges)
        )
        if not self.state.has_marker:
            raise DatabaseRefused(str(step), 1959, "Invalid role specification")
        yield self._replace_account(account, replace(self._require_account(account, step), is_marked=True))

    def _start_channel(self) -> ServerState:
        channel = start_channel(self.state.channel, self._receiver_error)
        if self._receiver_error is not None:
            return replace(self.state, channel=channel)
        self._applied_history = self._source_history or MariadbHistory()
        return replace(self.state, channel=channel, history=self._source_history or self.state.history)

    def _require_account(self, account: Account, step: Step, error_number: int = 1396) -> AccountState:
        state = self.state.find_account(account)
        if state is None:
            raise DatabaseRefused(str(step), error_number, "there is no such account")
        return state

    def _replace_account(self, account: Account, new_state: AccountState | None) -> ServerState:
        others = (state for state in self.state.accounts if state.account != account)
        accounts = (*others, new_state) if new_state is not None else tuple(others)
        return replace(
            self._log_transaction(), accounts=tuple(sorted(accounts, key=lambda state: state.account))
        )

    def _log_transaction(self) -> ServerState:
        """Add a transaction to the binary log: servers log all account statements, even those that change nothing."""
        if not self.state.binary_log or not isinstance(self.state.history, MariadbHistory):
            return self.state
        numbers = self.state.history.sequence_numbers
        number = max(numbers.values(), default=0) + 1
        history = MariadbHistory({**numbers, (0, self.state.server_id): number})
        return replace(
            self.state, history=history, local_gtids=history.format_local_gtids(self._applied_history)
        )


class FakeSourceProbe:
    """A source probe that returns `states` one after the other, and then always the last one.

    Without any, the connection is refused. `probes` and `logins` record the calls.
    """

    def __init__(self, *states: SourceState) -> None:
        self._states = list(states or (SourceState(error=ServerError(2003, "Connection refused")),))
        self.probes: list[tuple[str, int, str]] = []
        self.logins: list[tuple[str, int, str]] = []

    def reuse_session(self) -> AbstractContextManager[None]:
        return nullcontext()

    def probe(self, host: str, port: int, user: str, password: Secret, tls: Tls | None = None) -> SourceState:
        self.probes.append((host, port, user))
        return self._get_next_state()

    def try_login(
        self, host: str, port: int, user: str, password: Secret, tls: Tls | None = None
    ) -> ServerError | None:
        self.logins.append((host, port, user))
        return self._get_next_state().error

    def _get_next_state(self) -> SourceState:
        return self._states.pop(0) if len(self._states) > 1 else self._states[0]


def _require_encryption(state: AccountState, tls: bool, certificate: bool) -> AccountState:
    return replace(state, requires_tls=tls or certificate, requires_certificate=certificate)


def _hash_resolved(password: Secret | UnresolvedFunction) -> Secret:
    return hash_password(require_value(password))
