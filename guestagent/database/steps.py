"""What can be done to a database server: one frozen value per kind of step, which a dry run prints.

A value may still hold a template function (Unresolved): such a step can be shown, never applied.
"""

from __future__ import annotations

from dataclasses import dataclass

from guestagent.database.state import Account
from guestagent.metadata.document import Unresolved
from guestagent.secret import Secret


@dataclass(frozen=True, slots=True)
class SetServerId:
    server_id: int | Unresolved

    def __str__(self) -> str:
        return f"set the server id to {self.server_id}"


@dataclass(frozen=True, slots=True)
class SetReadOnly:
    on: bool

    def __str__(self) -> str:
        return "make the server read-only" if self.on else "make the server writable"


@dataclass(frozen=True, slots=True)
class CreateMarker:
    """The empty role that marks an account as the agent's own."""

    def __str__(self) -> str:
        return "create the agent's mark"


@dataclass(frozen=True, slots=True)
class CreateAccount:
    """A replication account: exactly REPLICATION SLAVE, marked as ours."""

    account: Account
    password: Secret | Unresolved
    require_tls: bool = False

    def __str__(self) -> str:
        return f"create the replication account {self.account}"


@dataclass(frozen=True, slots=True)
class SetPassword:
    account: Account
    password: Secret | Unresolved
    require_tls: bool = False

    def __str__(self) -> str:
        return f"set the password of {self.account}"


@dataclass(frozen=True, slots=True)
class SetPrivileges:
    """Give exactly REPLICATION SLAVE and the mark: what else the account has goes."""

    account: Account

    def __str__(self) -> str:
        return f"grant {self.account} exactly REPLICATION SLAVE"


@dataclass(frozen=True, slots=True)
class DropAccount:
    account: Account

    def __str__(self) -> str:
        return f"drop the account {self.account}"


@dataclass(frozen=True, slots=True)
class StopChannel:
    def __str__(self) -> str:
        return "stop the channel"


@dataclass(frozen=True, slots=True)
class PointChannel:
    """Point the (stopped) channel at a source, by GTID. `tls_ca` is the path of a CA file."""

    host: str | Unresolved
    port: int
    user: str | Unresolved
    password: Secret | Unresolved
    tls: bool = False
    tls_ca: str | None = None
    tls_verify: bool = False

    def __str__(self) -> str:
        return f"point the channel at {self.host}:{self.port} as {self.user}, by GTID"


@dataclass(frozen=True, slots=True)
class StartChannel:
    def __str__(self) -> str:
        return "start the channel"


Step = (
    SetServerId
    | SetReadOnly
    | CreateMarker
    | CreateAccount
    | SetPassword
    | SetPrivileges
    | DropAccount
    | StopChannel
    | PointChannel
    | StartChannel
)
