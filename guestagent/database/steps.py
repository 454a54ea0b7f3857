"""The steps that change a database server, as frozen values that a dry run prints.

A step with an unresolved template function can be printed but not applied.
"""

from __future__ import annotations

from dataclasses import dataclass

from guestagent.database.account_purpose import AccountPurpose
from guestagent.database.copy_note import CopyNote
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
    """Create the empty role that marks the agent's accounts. `if_not_exists`: it may exist without being logged."""

    if_not_exists: bool = False

    def __str__(self) -> str:
        return "create the agent's marker" + (" again" if self.if_not_exists else "")


@dataclass(frozen=True, slots=True)
class CreateAccount:
    """Create a marked account with exactly the privileges of its purpose."""

    account: Account
    password: Secret | UnresolvedFunction
    require_tls: bool = False
    require_certificate: bool = False
    purpose: AccountPurpose = AccountPurpose.REPLICATION

    def __str__(self) -> str:
        return f"create the {self.purpose} account {self.account}"


@dataclass(frozen=True, slots=True)
class RemakeAccount:
    """Create an account again, whether it exists or not, so that the binary log has it as the server does.

    `retained_hash` is the stored hash of an old password that stays valid.
    """

    account: Account
    password: Secret | UnresolvedFunction
    require_tls: bool = False
    require_certificate: bool = False
    retained_hash: Secret | None = None
    purpose: AccountPurpose = AccountPurpose.REPLICATION

    def __str__(self) -> str:
        return f"make the {self.purpose} account {self.account} again: the work on it was interrupted"


@dataclass(frozen=True, slots=True)
class SetPassword:
    """Set the password and the REQUIRE clause.

    One old password may stay valid beside the new one: `current_hash` is the stored hash of the current password,
    `kept_hash` that of the password that is retained already. All others become invalid.
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
        retention = "" if self.kept_hash is None else ", and keep the one that is retained"
        return f"set the password of {self.account}{retention}"

    @property
    def retained_hash(self) -> Secret | None:
        """The stored hash of the old password that is valid afterwards."""
        return self.kept_hash if self.current_hash is None else self.current_hash


@dataclass(frozen=True, slots=True)
class SetDemand:
    """Set the REQUIRE clause and remove all limits. The passwords stay.

    This also unblocks an account after failed logins.
    """

    account: Account
    require_tls: bool
    require_certificate: bool = False

    def __str__(self) -> str:
        requirement = "a certificate" if self.require_certificate else "TLS" if self.require_tls else "no TLS"
        return f"have {self.account} demand {requirement}, without limits"


@dataclass(frozen=True, slots=True)
class DiscardPassword:
    """Discard the retained password. `password_hash` is the stored hash of the current one."""

    account: Account
    password_hash: Secret

    def __str__(self) -> str:
        return f"discard the retained password of {self.account}"


@dataclass(frozen=True, slots=True)
class SetPrivileges:
    """Grant exactly the privileges of a purpose and the marker, and revoke all else."""

    account: Account
    purpose: AccountPurpose = AccountPurpose.REPLICATION

    def __str__(self) -> str:
        return f"grant the {self.purpose} account {self.account} exactly its privileges"


@dataclass(frozen=True, slots=True)
class SetCopyNote:
    """Note in a donor account what a clone of this server would lack: the account sees none of its tables."""

    account: Account
    note: CopyNote

    def __str__(self) -> str:
        return f"note in the donor account {self.account}: {self.note}"


@dataclass(frozen=True, slots=True)
class DropAccount:
    """Drop an account. `if_exists`: it may have been dropped without being logged."""

    account: Account
    if_exists: bool = False

    def __str__(self) -> str:
        return f"drop the account {self.account}" + (
            " again: the work on it was interrupted" if self.if_exists else ""
        )


@dataclass(frozen=True, slots=True)
class LoadClonePlugin:
    """Load MySQL's clone plugin, which stays loaded. It is not replicated."""

    def __str__(self) -> str:
        return "load the clone plugin"


@dataclass(frozen=True, slots=True)
class StopChannel:
    def __str__(self) -> str:
        return "stop the channel"


@dataclass(frozen=True, slots=True)
class PointChannel:
    """Point the stopped channel at a source, by GTID. `tls_ca`, `tls_certificate`, `tls_key`: paths of PEM files."""

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
        encryption = f", {self.tls_options}" if self.tls else ""
        return f"point the channel at {format_host_port(self.host, self.port)} as {self.user}, by GTID{encryption}"

    @property
    def tls_options(self) -> TlsOptions:
        """The TLS options in the channel's status afterwards."""
        if not self.tls:
            return TlsOptions()
        ca, certificate, key = self.tls_ca or "", self.tls_certificate or "", self.tls_key or ""
        return TlsOptions(True, ca, self.tls_verify, certificate, key)


@dataclass(frozen=True, slots=True)
class RecordPosition:
    """Record GTIDs as applied that the server has already applied and logged. The channel is stopped.

    `gtids` are the new ones in `position`, the server's whole position.
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
"""Stands for the compiled-in value of a variable."""


@dataclass(frozen=True, slots=True)
class SetVariable:
    """Set a dynamic variable of the allowed list in the running server. `value` is as in an option file."""

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
    | SetCopyNote
    | DropAccount
    | LoadClonePlugin
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
"""The steps that write to the server's grant tables, and so to its binary log."""
