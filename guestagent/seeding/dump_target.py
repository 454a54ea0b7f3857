"""The local server while a dump is loaded into it: made empty before, and complete after. Nothing of it is logged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress

from guestagent.database.connection import Connection
from guestagent.database.connection_errors import NoAnswer
from guestagent.database.login import connect_socket
from guestagent.database.mariadb.encryption import has_encryption
from guestagent.database.mysql.clone import has_keyring
from guestagent.database.mysql.offline_mode import leave_offline_mode
from guestagent.database.queries import read_global_variables, read_schemas
from guestagent.database.server_version import parse_version
from guestagent.database.sql_statement import build_set_global, sql
from guestagent.errors import DatabaseError, DatabaseRefused, SeedError
from guestagent.retry import Clock
from guestagent.seeding.dump_accounts import (
    AccountDefinition,
    build_account_statements,
    build_drop,
    quote_name,
)
from guestagent.seeding.dump_accounts_reader import build_text_statement, read_account_names
from guestagent.seeding.dump_dialect import (
    LOADER_LOCK,
    DumpDialect,
    build_event_state,
    build_removal,
    build_reset,
)
from guestagent.seeding.dump_failure import build_statement_error
from guestagent.seeding.protocols import SeedReporter

QUERY_TIMEOUT_S = 30.0
POLL_INTERVAL_S = 0.2
OPERATION = "preparing the server for the dump"
LOADER_SESSION = sql("SELECT IS_USED_LOCK({}) AS id", LOADER_LOCK)
SESSIONS = sql("SELECT id AS id, user AS user FROM information_schema.processlist")
SELECT_EVENTS = sql(
    "SELECT event_schema AS place, event_name AS name, definer AS definer FROM information_schema.events"
    " WHERE status = 'ENABLED' AND event_schema <> 'sys'"
)
SUPER_READ_ONLY = "super_read_only"
HAS_ENCRYPTION = {"mariadb": has_encryption, "mysql": has_keyring}
FIXED_VALUES = {"event_scheduler": "DISABLED"}
"""Values with which a server has started for good."""


class DumpTarget:
    """The server behind a local socket. Every call opens a session of its own, for the server may restart."""

    def __init__(self, socket: str, family: str, dialect: DumpDialect, clock: Clock) -> None:
        self._socket, self._family, self._dialect, self._clock = socket, family, dialect, clock

    def check_encryption(self, tables: tuple[str, ...]) -> None:
        """Raise SeedError if the server cannot create these tables, which are encrypted."""
        if not tables:
            return
        with self._open() as connection:
            is_possible = HAS_ENCRYPTION[self._family](connection)
        if not is_possible:
            raise SeedError(
                f"tables of the source are encrypted, and this server cannot encrypt: {', '.join(tables)}",
                "load a key plugin or a keyring component here, too; its keys may be others than the source's",
            )

    def read_settings(self) -> Mapping[str, str]:
        """Read the variables that the load changes. Those that cannot be changed are absent."""
        names = [name for name, _ in self._dialect.load_settings]
        with self._open() as connection:
            variables = read_global_variables(connection, names)
        return {name: value for name, value in variables.items() if FIXED_VALUES.get(name) != value}

    def change_settings(self, previous: Mapping[str, str]) -> None:
        """Change the variables for the load."""
        with self._open() as connection:
            for name, value in self._dialect.load_settings:
                if name in previous:
                    connection.fetch_rows(build_set_global(name, value), OPERATION)

    def restore_settings(self, previous: Mapping[str, str]) -> None:
        """Give the variables their own values again."""
        with self._open() as connection:
            for name, value in previous.items():
                number = {"ON": "1", "OFF": "0"}.get(value, value)
                connection.fetch_rows(build_set_global(name, number), OPERATION)

    def clear(self, reporter: SeedReporter) -> None:
        """Remove channels, accounts and schemas; not those accounts that the installation has made.

        The accounts go first, and come last: nobody reads what is half loaded.
        """
        with self._open_unlogged() as connection:
            self._end_loader(connection, reporter)
            for text in build_removal(self._family, self._read_version(connection)):
                connection.fetch_rows(build_text_statement(text), OPERATION)
            names = read_account_names(connection, self._family, self._dialect)
            for statement in filter(None, map(build_drop, names)):
                connection.fetch_rows(build_text_statement(statement), OPERATION)
            users = {name.user for name in names if not name.is_role}
            _end_sessions(connection, users - self._dialect.system_users)
            connection.fetch_rows(sql("SET SESSION foreign_key_checks = 0"), OPERATION)
            for schema in read_schemas(connection):
                reporter.check_stop()
                connection.fetch_rows(build_text_statement(f"DROP DATABASE {quote_name(schema)}"), OPERATION)

    def empty(self, reporter: SeedReporter) -> None:
        """Remove all data and history, for good. The server stays read-only, and another seed can begin."""
        if self._family == "mysql":
            self.change_settings({SUPER_READ_ONLY: "1"})
        self.clear(reporter)
        self.set_position("")
        if self._family == "mysql":
            with self._open() as connection:
                leave_offline_mode(connection)

    def disable_events(self) -> None:
        """Let no event be executed here: its changes come from the source. Its other properties stay."""
        with self._open_unlogged() as connection:
            clause = build_event_state(self._family, self._read_version(connection))
            for row in connection.fetch_rows(SELECT_EVENTS, OPERATION):
                user, _, host = str(row["definer"]).rpartition("@")
                definer = f"{quote_name(user)}@{quote_name(host)}"
                event = f"{quote_name(str(row['place']))}.{quote_name(str(row['name']))}"
                text = f"ALTER DEFINER = {definer} EVENT {event} {clause}"
                connection.fetch_rows(build_text_statement(text), OPERATION)

    def create_accounts(self, accounts: tuple[AccountDefinition, ...]) -> None:
        """Create the accounts of the source. Their objects must exist."""
        with self._open_unlogged() as connection:
            for text in build_account_statements(accounts):
                connection.fetch_rows(build_text_statement(text), "creating the source's accounts")

    def set_position(self, position: str) -> None:
        """Make the server one that has applied everything up to the position, and has no history of its own."""
        variable = "gtid_purged" if self._family == "mysql" else "gtid_slave_pos"
        with self._open() as connection:
            reset = build_reset(self._family, self._read_version(connection))
            connection.fetch_rows(sql(reset), OPERATION)
            connection.fetch_rows(sql(f"SET GLOBAL {variable} = {{}}", position), OPERATION)
            for text in self._dialect.final_statements:
                connection.fetch_rows(sql(text), OPERATION)

    def _end_loader(self, connection: Connection, reporter: SeedReporter) -> None:
        """End the session of a loader that was killed: its last statement may still be executed."""
        while (session := connection.fetch_rows(LOADER_SESSION, OPERATION)[0]["id"]) is not None:
            reporter.check_stop()
            _kill(connection, session)
            self._clock.sleep(POLL_INTERVAL_S)

    def _read_version(self, connection: Connection) -> tuple[int, ...]:
        return parse_version(read_global_variables(connection, ("version",)).get("version", ""))

    @contextmanager
    def _open_unlogged(self) -> Iterator[Connection]:
        with self._open() as connection:
            connection.fetch_rows(sql("SET SESSION sql_log_bin = 0"), OPERATION)
            yield connection

    @contextmanager
    def _open(self) -> Iterator[Connection]:
        """Open a session. Errors of the server become SeedError."""
        try:
            with closing(connect_socket(self._socket, "root", QUERY_TIMEOUT_S)) as connection:
                connection.allow_long_queries()
                yield connection
        except NoAnswer as error:
            raise SeedError(str(error), error.advice, is_transient=True) from error
        except DatabaseRefused as error:
            raise build_statement_error(error) from error
        except DatabaseError as error:
            raise SeedError(str(error), error.advice) from error


def _end_sessions(connection: Connection, users: set[str]) -> None:
    """End the sessions of users that have been dropped."""
    for row in connection.fetch_rows(SESSIONS, OPERATION):
        if str(row["user"]) in users:
            _kill(connection, str(row["id"]))


def _kill(connection: Connection, session: str) -> None:
    """End a session, which may just have ended."""
    with suppress(DatabaseRefused):
        connection.fetch_rows(sql(f"KILL {int(session)}"), OPERATION)
