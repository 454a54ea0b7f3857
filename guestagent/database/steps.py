"""What can be done to a database server: one frozen value per kind of step, which a dry run prints.

A value may still hold a template function (Unresolved): such a step can be shown, never applied.
"""

from __future__ import annotations

from dataclasses import dataclass

from guestagent.database.state import Account, TlsOptions
from guestagent.metadata.document import UnresolvedFunction
from guestagent.metadata.host_port import format_host_port
from guestagent.secret import Secret


@dataclass(frozen=True, slots=True)
class SetServerId:
    server_id: int | UnresolvedFunction

    def __str__(self) -> str:
        return f"set the server id to {self.server_id}"


@dataclass(frozen=True, slots=True)
class SetReadOnly:
    is_read_only: bool

    def __str__(self) -> str:
        return "make the server read-only" if self.is_read_only else "make the server writable"


@dataclass(frozen=True, slots=True)
class CreateMarker:
    """The empty role that marks an account as the agent's own. `again`: it may be there, but not in the binary log."""

    if_not_exists: bool = False

    def __str__(self) -> str:
        return "create the agent's mark" + (" again" if self.if_not_exists else "")


@dataclass(frozen=True, slots=True)
class CreateAccount:
    """A replication account: exactly REPLICATION SLAVE, marked as ours."""

    account: Account
    password: Secret | UnresolvedFunction
    require_tls: bool = False
    require_certificate: bool = False

    def __str__(self) -> str:
        return f"create the replication account {self.account}"


@dataclass(frozen=True, slots=True)
class RemakeAccount:
    """Make an account of ours anew, whether it exists or not, so that it is in the binary log as it is here.

    `beside` is what the server stores of an old password that lets in too.
    """

    account: Account
    password: Secret | UnresolvedFunction
    require_tls: bool = False
    require_certificate: bool = False
    retained_hash: Secret | None = None

    def __str__(self) -> str:
        return f"make the replication account {self.account} again: the work on it was interrupted"


@dataclass(frozen=True, slots=True)
class SetPassword:
    """Set the password and how the account is to be reached.

    One old password may let in beside the new one: `retained` is what the server stores of the one that it has now,
    `kept` of the one that it retains already. All others go.
    """

    account: Account
    password: Secret | UnresolvedFunction
    require_tls: bool = False
    require_certificate: bool = False
    current_hash: Secret | None = None
    kept_hash: Secret | None = None

    def __str__(self) -> str:
        if self.current_hash is not None:
            return f"set the password of {self.account}, and retain the old one"
        kept = "" if self.kept_hash is None else ", and keep the one that is retained"
        return f"set the password of {self.account}{kept}"

    @property
    def retained_hash(self) -> Secret | None:
        """What is stored afterwards of an old password that lets in too."""
        return self.kept_hash if self.current_hash is None else self.current_hash


@dataclass(frozen=True, slots=True)
class SetDemand:
    """What the account demands of whoever logs in, and that nothing limits it; its passwords stay.

    It also ends what keeps the account out after failed logins.
    """

    account: Account
    require_tls: bool
    require_certificate: bool = False

    def __str__(self) -> str:
        what = "a certificate" if self.require_certificate else "TLS" if self.require_tls else "no TLS"
        return f"have {self.account} demand {what}, without limits"


@dataclass(frozen=True, slots=True)
class DiscardPassword:
    """End what a retained password opens. `proof` is what the server stores of the one that stays."""

    account: Account
    password_hash: Secret

    def __str__(self) -> str:
        return f"discard the retained password of {self.account}"


@dataclass(frozen=True, slots=True)
class SetPrivileges:
    """Give exactly REPLICATION SLAVE and the mark: what else the account has goes."""

    account: Account

    def __str__(self) -> str:
        return f"grant {self.account} exactly REPLICATION SLAVE"


@dataclass(frozen=True, slots=True)
class DropAccount:
    """`again`: it may be gone, but not in the binary log."""

    account: Account
    if_exists: bool = False

    def __str__(self) -> str:
        return f"drop the account {self.account}" + (
            " again: the work on it was interrupted" if self.if_exists else ""
        )


@dataclass(frozen=True, slots=True)
class StopChannel:
    def __str__(self) -> str:
        return "stop the channel"


@dataclass(frozen=True, slots=True)
class PointChannel:
    """Point the (stopped) channel at a source, by GTID. `tls_ca` and the like are paths of PEM files."""

    host: str | UnresolvedFunction
    port: int
    user: str | UnresolvedFunction
    password: Secret | UnresolvedFunction
    tls: bool = False
    tls_ca: str | None = None
    tls_verify: bool = False
    tls_certificate: str | None = None
    tls_key: str | None = None

    def __str__(self) -> str:
        how = f", {self.tls_options}" if self.tls else ""
        return f"point the channel at {format_host_port(self.host, self.port)} as {self.user}, by GTID{how}"

    @property
    def tls_options(self) -> TlsOptions:
        """What the channel shows of its TLS afterwards."""
        if not self.tls:
            return TlsOptions()
        ca, certificate, key = self.tls_ca or "", self.tls_certificate or "", self.tls_key or ""
        return TlsOptions(True, ca, self.tls_verify, certificate, key)


@dataclass(frozen=True, slots=True)
class RecordPosition:
    """Record as applied what the server has applied and logged already. The channel is stopped.

    `gtids` are new in `position`, which is the server's whole one.
    """

    gtids: str
    position: str

    def __str__(self) -> str:
        return f"record {self.gtids} as applied: this server has logged it"


@dataclass(frozen=True, slots=True)
class StartChannel:
    def __str__(self) -> str:
        return "start the channel"


SERVER_DEFAULT = "DEFAULT"
"""In the place of a value: the one that was compiled into the server."""


@dataclass(frozen=True, slots=True)
class SetVariable:
    """Set a dynamic variable of the checked list in the running server; `value` as an option file has it."""

    name: str
    value: str

    def __str__(self) -> str:
        return f"set {self.name} to {self.value or 'nothing'}"


Step = (
    SetServerId
    | SetReadOnly
    | CreateMarker
    | CreateAccount
    | RemakeAccount
    | SetPassword
    | SetDemand
    | DiscardPassword
    | SetPrivileges
    | DropAccount
    | StopChannel
    | PointChannel
    | RecordPosition
    | StartChannel
    | SetVariable
)

AccountStep = (
    CreateMarker
    | CreateAccount
    | RemakeAccount
    | SetPassword
    | SetDemand
    | DiscardPassword
    | SetPrivileges
    | DropAccount
)
"""The steps that write to the server's tables of accounts, and so to its binary log."""
