"""The narrow edge to a database server; `mariadb` and `mysql` hold the real ones, `fake.py` one for tests."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from guestagent.database.diagnosis import Diagnosis, FailureStage
from guestagent.database.gtid_history import GtidHistory
from guestagent.database.state import ServerError, ServerState, SourceState
from guestagent.database.steps import Step
from guestagent.metadata.document import Tls
from guestagent.secret import Secret


class SqlDialect(Protocol):
    """What differs between families and needs no server: a dry run works with this alone."""

    family: str
    plugin: str
    """The kind of password of the accounts that the agent makes."""

    has_atomic_accounts: bool
    """Whether a statement on an account changes the server and its binary log together, or neither, however it ends."""

    def format_statements(self, step: Step) -> tuple[str, ...]:
        """The SQL of a step with every secret masked, as a dry run shows it."""

    def list_host_patterns(self, network: str | None) -> tuple[str, ...]:
        """The host parts of a user's accounts, which together admit a network (CIDR); None: from anywhere."""

    def verify_password(self, plugin: str, proof: Secret, password: Secret) -> bool:
        """Whether what the server stores of a password (plugin, proof) is of this password."""

    def diagnose_error(self, error: ServerError, place: FailureStage) -> Diagnosis:
        """What an error of this family means, and whether it passes."""


class Database(Protocol):
    """A running server, over its local socket. Every call is bounded in time.

    DatabaseUnreachable where it does not answer (in time), DatabaseRefused where it answers with an error.
    """

    dialect: SqlDialect

    def observe(self) -> ServerState:
        """One look; changes and writes nothing."""

    def read_variables(self, names: Collection[str]) -> Mapping[str, str]:
        """The global variables of these names as they are now; those that the server does not know are absent."""

    def wait_for_history(self, history: GtidHistory, seconds: float) -> None:
        """Return once the channel has applied `history`, or after `seconds`: only an observation tells which.

        Of a long history it may wait for the newest part alone.
        """

    def apply(self, step: Step) -> None:
        """Do one step. Statements take effect one by one: a cut between them is met by the next pass."""

    def close(self) -> None: ...


class SourceProbe(Protocol):
    """A look at another server through a replication account, over TCP."""

    def reuse_session(self) -> AbstractContextManager[None]:
        """Within the block a look may use the session of the one before: for looks that are moments apart."""

    def probe(self, host: str, port: int, user: str, password: Secret, tls: Tls | None = None) -> SourceState:
        """Encrypted as `tls` says; None: where the server offers it, and in clear where it does not.

        Never raises for a server that refuses or does not answer: that is in `SourceState.error`.
        """

    def try_login(
        self, host: str, port: int, user: str, password: Secret, tls: Tls | None = None
    ) -> ServerError | None:
        """Log in as `look` does, and look at nothing. Return what kept it from that."""
