"""The observed state of a database server: frozen values in common terms, independent of the family."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from guestagent.database.channel_options import UnexpectedOption
from guestagent.database.copy_note import CopyNote
from guestagent.database.gtid_history import GtidHistory
from guestagent.database.harmful_settings import ReplicationSetting
from guestagent.database.pending_statement import PendingStatement
from guestagent.metadata.document import DEFAULT_PORT
from guestagent.metadata.host_port import format_host_port
from guestagent.secret import Secret

EXPIRED_SUFFIX = ", expired"
"""Follows the plugin of an account whose password was set to expired."""


@dataclass(frozen=True, slots=True, order=True)
class Account:
    """An account's identity: a user name and a host name (or pattern), as the server has them."""

    name: str
    host: str

    def __str__(self) -> str:
        return f"{self.name}@{self.host}"

    @classmethod
    def parse_grantee(cls, grantee: str) -> Account:
        """Parse `'name'@'host'` from a list of privileges. Quotes in the name are not escaped, and a host has none."""
        name, _, host = grantee[1:-1].rpartition("'@'")
        return cls(name, host)


@dataclass(frozen=True, slots=True)
class AccountState:
    """One account. `password_hash` is the stored hash of its password, which is a secret too.

    `plugin` mentions alternatives (`x or another`): one password does not verify such an account. `privileges` are the
    global ones; `has_other_privileges`: it has some on a schema, table or role, or the grant option. `is_marked`:
    the agent created it. `retained_hash` is the hash of a replaced password that is still valid, of the same plugin.
    `requires_tls`, `requires_certificate`: its REQUIRE clause. `is_limited`: password expiry, failed logins or a
    resource limit may lock it out. `copy_note`: what a donor account says about the data, None if nothing.
    """

    account: Account
    plugin: str
    password_hash: Secret
    privileges: frozenset[str] = frozenset()
    has_other_privileges: bool = False
    is_marked: bool = False
    is_locked: bool = False
    requires_tls: bool = False
    requires_certificate: bool = False
    retained_hash: Secret | None = None
    is_limited: bool = False
    copy_note: CopyNote | None = None


@dataclass(frozen=True, slots=True)
class ServerError:
    """An error of a server: its number and text, without statements and secrets."""

    number: int
    text: str

    def __str__(self) -> str:
        return f"{self.number}, {self.text}"


class ReceiverState(str, Enum):
    """The state of the thread that receives events from the source (the I/O thread)."""

    RUNNING = "running"
    CONNECTING = "connecting"
    STOPPED = "stopped"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The source of a channel, and the user with which it logs in. `tls`: the channel is encrypted."""

    host: str
    port: int
    user: str
    tls: bool = False

    def __str__(self) -> str:
        return f"{self.user}@{format_host_port(self.host, self.port)}" + (" over TLS" if self.tls else "")


@dataclass(frozen=True, slots=True)
class TlsOptions:
    """How a channel is encrypted: paths of PEM files ("" for none). `verify`: check the name in the certificate too.

    `has_other_options`: it has options that the agent never sets, such as a list of ciphers.
    """

    is_enabled: bool = False
    ca: str = ""
    verify: bool = False
    certificate: str = ""
    key: str = ""
    has_other_options: bool = False

    def __str__(self) -> str:
        if not self.is_enabled:
            return "in clear"
        checked = "CA and name verified" if self.verify else "CA verified" if self.ca else "not verified"
        return f"over TLS ({checked}{', with a certificate' if self.certificate else ''})"


@dataclass(frozen=True, slots=True)
class ChannelState:
    """A replica's channel. `lag` in seconds, None if the server does not know it; unknown is not zero.

    `filters` are those in effect, `unexpected_options` the options with another value than the agent sets.
    `source_id` is the server id of the source to which it has connected, 0 if there was none yet. `applier_wait`: the
    state of an applier's thread that waits for a lock, as the server shows it, "" for none.
    """

    endpoint: Endpoint
    uses_gtid: bool
    receiver: ReceiverState
    is_applier_running: bool
    lag: int | None = None
    receiver_error: ServerError | None = None
    applier_error: ServerError | None = None
    tls: TlsOptions = TlsOptions()
    filters: tuple[ReplicationSetting, ...] = ()
    unexpected_options: tuple[UnexpectedOption, ...] = ()
    source_id: int = 0
    applier_wait: str = ""

    @property
    def is_stopped(self) -> bool:
        return self.receiver is ReceiverState.STOPPED and not self.is_applier_running

    @property
    def error_numbers(self) -> frozenset[int]:
        """The numbers of its current errors, without 0."""
        errors = (self.receiver_error, self.applier_error)
        return frozenset(error.number for error in errors if error is not None and error.number)


@dataclass(frozen=True, slots=True)
class UnrecordedGtids:
    """GTIDs that the server has logged and not recorded as applied: it was killed in between.

    `applied_history` is recorded; `gtids` are the newest unrecorded ones by domain; `position` is the whole position
    after recording them. `recovered_gtids` are those that it logged first after a start, as its recovery from a crash
    in a DDL statement does: if the source lacks them, recovery wrote them. `is_certain`: their statements have
    recovery's comment.
    """

    applied_history: GtidHistory
    gtids: str
    position: str
    recovered_gtids: str = ""
    is_certain: bool = False


@dataclass(frozen=True, slots=True)
class ServerState:
    """The state of a server at one moment; each query has its own timeout.

    `history`: everything that the server has executed. `local_gtids`: the part that did not come over a channel, "" for
    none; the source may have other transactions under these GTIDs. `schemas`: those of users. `accounts`: all but
    system accounts. `replica_ids`: server ids of the connected replicas; `replica_users`: the users of their channels.
    `has_marker`: the agent's marker role exists.
    `read_only`: clients cannot write, as far as the family can prevent it. `is_restricted`: only administrators can
    write, which is right for neither a source nor a replica. `tls`: the server offers TLS (None: unknown).
    `data_directory` ends in a slash. `harmful_settings`: with these the server skips, alters or hides changes.
    `unlogged_data`: schemas or GTIDs that a binary log with an empty history before it does not contain.
    `channel_charset`: the character set with which channels log in ("": unknown). `unrecorded_gtids`: the part of the
    log that the channel would apply again, None for none; it may vary while the channel applies. `logged_history`: the
    part of `history` in the binary log, None if channels ignore no events because of their server id.
    `pending_statement`: of an earlier session, and still running. `clone_plugin`: its status, "" if it is not loaded.
    `copy_note`: what its donor accounts must say, None if no account can clone it.
    """

    version: str
    server_id: int
    binary_log: bool
    gtid: bool
    read_only: bool
    history: GtidHistory
    local_gtids: str = ""
    accounts: tuple[AccountState, ...] = ()
    schemas: tuple[str, ...] = ()
    replica_ids: tuple[int, ...] = ()
    replica_users: frozenset[str] = frozenset()
    has_marker: bool = False
    uuid: str | None = None
    port: int = DEFAULT_PORT
    channel: ChannelState | None = None
    is_restricted: bool = False
    tls: bool | None = None
    data_directory: str = ""
    harmful_settings: tuple[ReplicationSetting, ...] = ()
    unlogged_data: tuple[str, ...] = ()
    channel_charset: str = ""
    unrecorded_gtids: UnrecordedGtids | None = None
    logged_history: GtidHistory | None = None
    pending_statement: PendingStatement | None = None
    clone_plugin: str = ""
    copy_note: CopyNote | None = None
    _by_account: Mapping[Account, AccountState] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # A pass looks up each of up to a thousand accounts several times.
        object.__setattr__(self, "_by_account", {each.account: each for each in self.accounts})

    def find_account(self, account: Account) -> AccountState | None:
        return self._by_account.get(account)


@dataclass(frozen=True, slots=True)
class SourceState:
    """The state of a source, as far as its replication account can read it. `error`: it could not be read.

    `uuid`: for families in which it is unique. `server_uid`: MariaDB derives it from the machine. `start_time`: of the
    server's process, by this node's clock, exact to a second. `reset_count`, `connection_count`: RESET
    statements and connections since then.
    `waiting_session_count`: commits that wait for a semi-synchronous replica and are not visible yet, each for at most
    `acknowledgement_timeout` seconds. `tls`: this connection was encrypted. `certificate_days`: days until the source's
    certificate expires. `harmful_settings`: with these it hides changes. `unlogged_gtids`: GTIDs of its data that are
    not in its binary log ("" for none, or if that cannot be determined). `has_all_logs`: its binary logs begin with an
    empty history, so that a replica can replay them; None if that is unknown.
    """

    server_id: int | None = None
    binary_log: bool | None = None
    history: GtidHistory | None = None
    version: str | None = None
    error: ServerError | None = None
    gtid: bool = True
    uuid: str | None = None
    tls: bool | None = None
    certificate_days: int | None = None
    harmful_settings: tuple[ReplicationSetting, ...] = ()
    waiting_session_count: int = 0
    start_time: int | None = None
    reset_count: int = 0
    connection_count: int | None = None
    acknowledgement_timeout: float = 0.0
    server_uid: str | None = None
    unlogged_gtids: str = ""
    has_all_logs: bool | None = None
