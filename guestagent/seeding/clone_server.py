"""The local MySQL server as the recipient of a CLONE: its facts, the running statement, and what it has brought."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from guestagent.database.connection import Connection
from guestagent.database.connection_errors import NoAnswer
from guestagent.database.login import connect_socket
from guestagent.database.mysql.clone import (
    CLONE_OPERATION,
    CloneSource,
    build_clone_statement,
    has_clone_plugin,
    has_keyring,
    kill_statement,
    read_clone_progress,
    read_clone_status,
    read_session_id,
    read_uncloned_tables,
)
from guestagent.database.mysql.clone_diagnosis import ER_RESTART_SERVER_FAILED
from guestagent.database.mysql.clone_requirements import KEYRING, VARIABLES
from guestagent.database.mysql.clone_state import THIS_INSTANCE, CloneStatus
from guestagent.database.mysql.offline_mode import (
    enter_offline_mode,
    forget_offline_mode,
    leave_offline_mode,
    persist_offline_mode,
)
from guestagent.database.mysql.server import (
    CLEAR_SUPER_READ_ONLY,
    DISABLE_LOGGING,
    SET_SUPER_READ_ONLY,
    MysqlDatabase,
)
from guestagent.database.mysql.server_state import read_history
from guestagent.database.queries import read_global_variables, read_schemas
from guestagent.database.sql_statement import build_set_global, sql
from guestagent.database.state import ServerError
from guestagent.database.steps import LoadClonePlugin
from guestagent.errors import DatabaseError, DatabaseRefused, DatabaseUnsupported, SeedError
from guestagent.retry import Clock
from guestagent.seeding.clone_decision import RecipientFacts, build_clone_error
from guestagent.seeding.data_swap import carry_files
from guestagent.seeding.protocols import SeedInterrupted, SeedReporter, ServerControl

QUERY_TIMEOUT_S = 30.0
POLL_INTERVAL_S = 0.5
PERSISTED_FILE = "mysqld-auto.cnf"
KILL_TIMEOUT_S = 60.0
RESTART_GRACE_S = 3.0
"""A supervisor starts a server again by itself, sooner than that."""
STOP_CHANNELS, REMOVE_CHANNELS = sql("STOP REPLICA"), sql("RESET REPLICA ALL")
FINISH_OPERATION = "completing the copy"


@dataclass(frozen=True, slots=True)
class ClonedData:
    """What a complete copy holds. `emptied_tables` have lost their rows: CLONE copies only InnoDB."""

    position: str
    bytes_done: int
    emptied_tables: tuple[str, ...]


class CloneServer:
    """The server behind a local socket. Every call opens a session of its own, for the server may restart."""

    def __init__(self, socket: str, clock: Clock) -> None:
        self.socket, self._clock = socket, clock

    def read_facts(self) -> RecipientFacts:
        """Read the facts for a decision. Loads the plugin if it is missing: without it there is no status."""
        with self._open() as connection:
            if not has_clone_plugin(connection):
                MysqlDatabase(connection).apply(LoadClonePlugin())
            return _read_facts(connection)

    def read_variables(self) -> Mapping[str, str]:
        """Read what a donor is compared with."""
        with self._open() as connection:
            keyring = {KEYRING: "ON" if has_keyring(connection) else "OFF"}
            return {**read_global_variables(connection, VARIABLES), **keyring}

    def read_status(self) -> CloneStatus | None:
        """Read the status of the newest CLONE. Raises NoAnswer if the server does not answer."""
        with _translate_refusals(), closing(self._connect()) as connection:
            return read_clone_status(connection)

    def run_statement(
        self,
        source: CloneSource,
        directory: str,
        check_facts: Callable[[RecipientFacts], None],
        reporter: SeedReporter,
        *,
        replaces_data: bool,
    ) -> None:
        """Run CLONE until its statement has ended. A copy in place is complete only after the restart that follows.

        `check_facts` is called last of all, and may raise. If the reporter raises, the statement is ended.
        `replaces_data`: the server's own data may be removed.
        """
        statement = build_clone_statement(source, directory)
        with self._set_up(source, removes_data=replaces_data and not directory), self._open() as connection:
            # The slow log would show the password; the server masks it in all other places.
            connection.fetch_rows(DISABLE_LOGGING, CLONE_OPERATION)
            process_id = read_session_id(connection)
            check_facts(_read_facts(connection))
            connection.send_statement(statement, CLONE_OPERATION)
            self._watch(reporter, process_id, lambda: connection.has_response(POLL_INTERVAL_S))
            try:
                connection.read_response(statement, CLONE_OPERATION)
            except DatabaseRefused as error:
                if error.number != ER_RESTART_SERVER_FAILED:
                    raise
            except NoAnswer:
                # A server that restarts to complete a copy in place does not always answer before.
                if directory:
                    raise

    def follow_statement(self, process_id: int, reporter: SeedReporter) -> None:
        """Wait for the end of a CLONE whose client has ended."""

        def has_ended() -> bool:
            self._clock.sleep(POLL_INTERVAL_S)
            status = self.read_status()
            return status is None or not status.is_running

        self._watch(reporter, process_id, has_ended)

    def kill_clone(self, destination: str) -> None:
        """End a CLONE to this destination, if one is going on in a server that answers."""
        with suppress(DatabaseError, SeedError):
            self._kill_if_running(self.read_status(), destination)

    def wait_for_restart(
        self, reporter: SeedReporter, server: ServerControl, *, ends_clone: bool = False
    ) -> CloneStatus | None:
        """Wait until the server has restarted with the copy in place, and return the status of that CLONE.

        A server that no supervisor starts again is started. `ends_clone`: a CLONE that still copies is ended instead,
        which leaves the server empty. One that has copied all cannot be ended.
        """
        silent_since: float | None = None
        while True:
            reporter.check_stop()
            try:
                status = self.read_status()
                if ends_clone:
                    self._kill_if_running(status, THIS_INSTANCE)
                    status = self.read_status()
            except NoAnswer:
                silent_since = silent_since or self._clock.now()
                if self._clock.now() - silent_since >= RESTART_GRACE_S:
                    server.start(reporter)
                    silent_since = None
            else:
                silent_since = None
                if status is None or not status.is_running:
                    return status
            self._clock.sleep(POLL_INTERVAL_S)

    def go_offline(self) -> None:
        """Let only administrators log in, also after the restart that completes a copy in place."""
        with self._open() as connection:
            enter_offline_mode(connection)

    def go_online(self) -> None:
        """Let everybody log in again: the server is empty, or its copy is whole."""
        with self._open() as connection:
            leave_offline_mode(connection)

    def forget_offline_mode(self) -> None:
        """Let a server that answers start online the next time."""
        with suppress(DatabaseError), closing(self._connect()) as connection:
            forget_offline_mode(connection)

    def carry_settings(self, data_directory: Path, copy: Path) -> None:
        """Give a copy the server's persisted variables, and the offline mode."""
        with self._open() as connection, persist_offline_mode(connection):
            carry_files(data_directory, copy, (PERSISTED_FILE,))

    def complete_copy(self) -> ClonedData:
        """Remove the channels that came along, and read what the copy holds. The server is read-only afterwards."""
        with self._open() as connection:
            for statement in (SET_SUPER_READ_ONLY, STOP_CHANNELS, REMOVE_CHANNELS):
                connection.fetch_rows(statement, FINISH_OPERATION)
            return ClonedData(
                position=str(read_history(connection)),
                bytes_done=read_clone_progress(connection).done,
                emptied_tables=read_uncloned_tables(connection),
            )

    @contextmanager
    def _set_up(self, source: CloneSource, *, removes_data: bool) -> Iterator[None]:
        """Set the server up for the block. One that restarts forgets all of it by itself."""
        names = (*source.settings, "read_only", "super_read_only") if removes_data else tuple(source.settings)
        with self._open() as connection:
            previous = read_global_variables(connection, names)
            statements = [build_set_global(name, value) for name, value in source.settings.items()]
            if removes_data:
                statements += [SET_SUPER_READ_ONLY, STOP_CHANNELS, CLEAR_SUPER_READ_ONLY]
            for statement in statements:
                connection.fetch_rows(statement, CLONE_OPERATION)
        try:
            yield
        finally:
            with suppress(DatabaseError), closing(self._connect()) as connection:
                for name, value in previous.items():
                    value = {"ON": "1", "OFF": "0"}.get(value, value)
                    connection.fetch_rows(build_set_global(name, value), CLONE_OPERATION)

    def _watch(self, reporter: SeedReporter, process_id: int, has_ended: Callable[[], bool]) -> None:
        """Report the progress until the statement has ended, or the server does not answer any more."""
        try:
            while not self._is_over(has_ended):
                self._report_progress(reporter)
        except (SeedError, SeedInterrupted):
            self._kill(process_id, has_ended)
            raise

    def _is_over(self, has_ended: Callable[[], bool]) -> bool:
        try:
            return has_ended()
        except NoAnswer:
            return True

    def _report_progress(self, reporter: SeedReporter) -> None:
        try:
            with closing(self._connect()) as connection:
                progress = read_clone_progress(connection)
        except DatabaseError:
            reporter.check_stop()  # it ends, or has too many sessions: the statement itself tells
            return
        if progress.moves_bytes:
            reporter.report_bytes(progress.done, progress.total)
        else:
            reporter.check_stop()

    def _kill_if_running(self, status: CloneStatus | None, destination: str) -> None:
        if status is not None and status.is_running and status.destination == destination:
            self._kill(status.process_id, lambda: self._has_ended(status.process_id))

    def _kill(self, process_id: int, has_ended: Callable[[], bool]) -> None:
        """End the statement, and wait until it has ended. Another attempt must not meet it."""
        try:
            with closing(self._connect()) as connection:
                kill_statement(connection, process_id)
        except DatabaseError:
            return
        until = self._clock.now() + KILL_TIMEOUT_S
        while not self._is_over(has_ended) and self._clock.now() < until:
            self._clock.sleep(POLL_INTERVAL_S)

    def _has_ended(self, process_id: int) -> bool:
        status = self.read_status()
        return status is None or not status.is_running or status.process_id != process_id

    def _connect(self) -> Connection:
        return connect_socket(self.socket, "root", QUERY_TIMEOUT_S)

    @contextmanager
    def _open(self) -> Iterator[Connection]:
        """Open a session. Errors of the server become SeedError."""
        try:
            with _translate_refusals(), closing(self._connect()) as connection:
                yield connection
        except NoAnswer as error:
            raise SeedError(str(error), error.advice, is_transient=True) from error


@contextmanager
def _translate_refusals() -> Iterator[None]:
    """Turn the errors of a server that answers into SeedError."""
    try:
        yield
    except DatabaseRefused as error:
        raise build_clone_error(ServerError(error.number, error.text)) from error
    except DatabaseUnsupported as error:
        raise SeedError(str(error), error.advice) from error


def _read_facts(connection: Connection) -> RecipientFacts:
    return RecipientFacts(
        status=read_clone_status(connection),
        schemas=read_schemas(connection),
        history=read_history(connection),
    )
