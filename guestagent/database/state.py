"""What a database server shows: frozen values, in the field's terms and not in a family's spelling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from guestagent.database.channel_options import UnexpectedOption
from guestagent.database.gtid_history import GtidHistory
from guestagent.database.replication_settings import ReplicationSetting
from guestagent.metadata.host_port import format_host_port
from guestagent.secret import Secret

REPLICATION_PRIVILEGES = frozenset({"REPLICATION SLAVE"})
EXPIRED_SUFFIX = ", expired"
"""Ends the plugin of an account whose password has expired by hand."""


@dataclass(frozen=True, slots=True, order=True)
class Account:
    """An account's identity: a name and the hosts it may come from, as the server spells them."""

    name: str
    host: str

    def __str__(self) -> str:
        return f"{self.name}@{self.host}"

    @classmethod
    def parse_grantee(cls, grantee: str) -> Account:
        """From a list of privileges: `'name'@'host'`, where quotes within are not escaped, and a host has none."""
        name, _, host = grantee[1:-1].rpartition("'@'")
        return cls(name, host)


@dataclass(frozen=True, slots=True)
class AccountState:
    """One account as the server holds it. `proof` is what is stored of its password, a secret of its own.

    `plugin` names every way in (`x or another`): an account with a second one is not proved by its first.
    `privileges` are global ones; `others` tells whether it has any on a schema, a table, a role or with the
    grant option. `marked`: the agent made it. `retained` is what is stored of a replaced password that still lets in,
    of the same plugin. `requires_tls`, `requires_certificate`: how the account demands to be reached. `limited`: it may
    be shut out by its age, by failed logins or by a limit of its own.
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


@dataclass(frozen=True, slots=True)
class ServerError:
    """An error that a server reports of itself: its number and text, cleaned of statements and secrets."""

    number: int
    text: str

    def __str__(self) -> str:
        return f"{self.number}, {self.text}"


class ReceiverState(str, Enum):
    """The thread that fetches from the source."""

    RUNNING = "running"
    CONNECTING = "connecting"
    STOPPED = "stopped"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a channel leads and as whom. `tls`: the channel is encrypted."""

    host: str
    port: int
    user: str
    tls: bool = False

    def __str__(self) -> str:
        return f"{self.user}@{format_host_port(self.host, self.port)}" + (" over TLS" if self.tls else "")


@dataclass(frozen=True, slots=True)
class TlsOptions:
    """How a channel is encrypted: paths of PEM files ("" for none), `verify` the name in the source's certificate too.

    `others`: it has options that no agent gives, a list of ciphers say.
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
    """A replica's channel. `lag` in seconds, None where the server does not know it (never zero).

    `filters` are those in force on it, `strays` its options that differ from what the agent gives every channel.
    `source_id` is the server id of the source that it has met, 0 if there was none yet.
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

    @property
    def is_stopped(self) -> bool:
        return self.receiver is ReceiverState.STOPPED and not self.is_applier_running

    @property
    def error_numbers(self) -> frozenset[int]:
        """The numbers of the errors that it shows, of those that have one."""
        shown = (self.receiver_error, self.applier_error)
        return frozenset(error.number for error in shown if error is not None and error.number)


@dataclass(frozen=True, slots=True)
class UnrecordedGtids:
    """What the server has logged and does not know as applied: it was killed between the two.

    `applied` is what it knows, `gtids` are the newest of the others by domain, `position` is its whole position once
    they are recorded. `recovered` are those that it logged first after a start, as its recovery from a crash in a DDL
    statement does: if the source does not have them, they are that; `is_certain`: the statements say so themselves.
    """

    applied_history: GtidHistory
    gtids: str
    position: str
    recovered_gtids: str = ""
    is_certain: bool = False


@dataclass(frozen=True, slots=True)
class ServerState:
    """One look at a server, all of it within one query timeout each.

    `history` is everything that the server has executed or written; `own` what of it is known not to have come over
    a channel ("" for nothing): it need not be what the source has, even under the same GTIDs. `schemas` are those of
    users, `accounts` all but the system's own. `followers` are server ids of the replicas that are connected now.
    `marker`: the server knows the agent's mark. `port` is where it listens. `read_only`: it takes no writes of
    clients, as far as its family can keep it from that; `restricted`: of administrators alone, which is neither
    what a source nor what a replica shall be. `tls`: it offers TLS (None: not known). `folder` is its data directory,
    as a path that ends in a slash. `skipping`: settings with which it leaves out, alters or hides changes.
    `unlogged`: schemas or GTIDs that it holds and that its binary log, from its beginning on, does not account for.
    `channel_charset`: the character set in which its channels log in ("": not known).
    `unrecorded`: what of its log its channel would apply again, None for nothing; while the channel applies it may come
    and go. `logged`: what of `history` its binary log has, None where a channel leaves out nothing for a server id.
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
    has_marker: bool = False
    uuid: str | None = None
    port: int = 3306
    channel: ChannelState | None = None
    is_restricted: bool = False
    tls: bool | None = None
    data_directory: str = ""
    harmful_settings: tuple[ReplicationSetting, ...] = ()
    unlogged_data: tuple[str, ...] = ()
    channel_charset: str = ""
    unrecorded_gtids: UnrecordedGtids | None = None
    logged_history: GtidHistory | None = None
    _by_account: Mapping[Account, AccountState] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # A pass asks for each of up to a thousand accounts several times.
        object.__setattr__(self, "_by_account", {each.account: each for each in self.accounts})

    def find_account(self, wanted: Account) -> AccountState | None:
        return self._by_account.get(wanted)


@dataclass(frozen=True, slots=True)
class SourceState:
    """What a replica sees of its source through the replication account. `error`: it could not look.

    `uuid`: where no two servers of the family may have the same. `uid`: one that MariaDB derives from the machine.
    `started`: when its process did, by this machine's clock, give or take a second; `resets`: of RESET since then.
    `waiting_sessions`: so many commits wait there for a semi-synchronous replica, and are not shown yet;
    `acknowledgement_timeout` in seconds is how long each may.
    `tls`: this look was encrypted. `certificate_days`: for so long the source's certificate is valid yet.
    `skipping`: settings with which it hides changes, of those that a replication account may see.
    `unlogged`: GTIDs of its data for which its binary log does not account ("" for none, or where that is not seen).
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
    acknowledgement_timeout: float = 0.0
    server_uid: str | None = None
    unlogged_gtids: str = ""
