"""Protocols of database servers. `mariadb` and `mysql` have the real implementations, `fake.py` one for tests."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from guestagent.database.account_purpose import AccountPurpose
from guestagent.database.error_diagnosis import Diagnosis, FailureStage
from guestagent.database.gtid_history import GtidHistory
from guestagent.database.state import ServerError, ServerState, SourceState
from guestagent.database.steps import Step
from guestagent.metadata.document import Tls
from guestagent.secret import Secret


class SqlDialect(Protocol):
    """The differences between families that need no server. A dry run uses only this."""

    family: str
    plugin: str
    """The authentication plugin of the accounts that the agent creates."""

    has_atomic_accounts: bool
    """Whether a statement on an account changes the server and its binary log atomically, even if it is interrupted."""

    def format_statements(self, step: Step) -> tuple[str, ...]:
        """Return the SQL of a step for a dry run, with all secrets masked."""

    def list_host_patterns(self, network: str | None) -> tuple[str, ...]:
        """Return the host names of the accounts that together admit a network (CIDR); None: any host."""

    def get_privileges(self, purpose: AccountPurpose) -> frozenset[str]:
        """Return the global privileges of accounts of this purpose; `information_schema` has the same names."""

    def verify_password(self, plugin: str, stored_hash: Secret, password: Secret) -> bool:
        """Return whether the hash that the server stores is of this password."""

    def diagnose_error(self, error: ServerError, stage: FailureStage) -> Diagnosis:
        """Diagnose an error of this family: its meaning, and whether it is transient."""


class Database(Protocol):
    """A running server, over its local socket. Every call has a time limit.

    DatabaseUnreachable if the server does not respond in time, DatabaseRefused if it responds with an error.
    """

    dialect: SqlDialect

    def observe(self) -> ServerState:
        """Read the server's state. Writes nothing."""

    def read_variables(self, names: Collection[str]) -> Mapping[str, str]:
        """Read the current global variables of these names; those that the server does not have are absent."""

    def wait_for_history(self, history: GtidHistory, seconds: float) -> None:
        """Wait until the channel has applied `history`, or for `seconds`. Observe the server to find out which.

        Of a long history it may wait only for the newest part.
        """

    def apply(self, step: Step) -> None:
        """Apply one step. Statements take effect one by one: if it is interrupted, the next pass completes it."""

    def close(self) -> None: ...


class SourceProbe(Protocol):
    """Logs in to another server over TCP with a replication account, and reads its state."""

    def reuse_session(self) -> AbstractContextManager[None]:
        """Let probes within the block reuse the session of the previous one."""

    def probe(self, host: str, port: int, user: str, password: Secret, tls: Tls | None = None) -> SourceState:
        """Read the state of a server. `tls` None: encrypted only if the server offers TLS.

        Does not raise if the server rejects the login or does not respond: see `SourceState.error`.
        """

    def try_login(
        self, host: str, port: int, user: str, password: Secret, tls: Tls | None = None
    ) -> ServerError | None:
        """Log in as `probe` does, without reading anything. Return the error, None after a successful login."""
