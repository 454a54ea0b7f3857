"""The Database of a running MariaDB: observing it, and applying steps to it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from guestagent.database.connection import Connection
from guestagent.database.gtid_history import GtidHistory
from guestagent.database.hung_server import OBSERVE_OPERATION, WAIT_OPERATION
from guestagent.database.lock_wait import ACCOUNT_LOCK_TIMEOUT_S
from guestagent.database.mariadb.grants import read_revokes
from guestagent.database.mariadb.gtid import MariadbHistory
from guestagent.database.mariadb.relay_log_repair import point_channel, start_channel
from guestagent.database.mariadb.server_state import read_positions, read_server_state
from guestagent.database.mariadb.statements import PRIVILEGES, MariadbDialect, build_statements
from guestagent.database.mariadb.unrecorded_gtids import find_unrecorded_gtids
from guestagent.database.protocols import SqlDialect
from guestagent.database.queries import read_global_variables
from guestagent.database.sql_statement import sql
from guestagent.database.state import ServerState
from guestagent.database.step_execution import run_statements, set_privileges
from guestagent.database.steps import (
    AccountStep,
    PointChannel,
    RecordPosition,
    SetPrivileges,
    StartChannel,
    Step,
)
from guestagent.database.unsupported_response import translate_malformed_response

WAIT_DOMAIN_LIMIT = 16
"""Domains of which a wait names the newest GTID: more may not fit in the smallest max_allowed_packet, 1024 bytes."""


# sql_log_off disables the general log and needs SUPER. Both return to the server's defaults.
DISABLE_LOGGING = sql("SET SESSION sql_log_off = 1, slow_query_log = 0")
RESTORE_LOGGING = sql("SET SESSION sql_log_off = DEFAULT, slow_query_log = DEFAULT")


class MariadbDatabase:
    """The Database of a MariaDB. After DatabaseUnreachable it cannot be used again: open another one."""

    def __init__(self, connection: Connection) -> None:
        self.dialect: SqlDialect = MariadbDialect()
        self._connection = connection

    def observe(self) -> ServerState:
        return read_server_state(self._connection)

    @translate_malformed_response(OBSERVE_OPERATION)
    def read_variables(self, names: Collection[str]) -> Mapping[str, str]:
        return read_global_variables(self._connection, names)

    @translate_malformed_response(WAIT_OPERATION)
    def wait_for_history(self, history: GtidHistory, seconds: float) -> None:
        """Wait only for missing GTIDs: the server rejects a statement that is longer than max_allowed_packet."""
        if not isinstance(history, MariadbHistory):
            return
        missing = history.find_missing(read_positions(self._connection).applied_history, WAIT_DOMAIN_LIMIT)
        if not missing.is_empty:
            wait = sql(f"SELECT MASTER_GTID_WAIT({{}}, {seconds})", str(missing))
            self._connection.fetch_rows(wait, WAIT_OPERATION)

    def apply(self, step: Step) -> None:
        match step:
            case PointChannel():
                # The password of a channel has no hashed form: neither the general nor the slow log may contain it.
                with self._connection.apply_temporarily(DISABLE_LOGGING, RESTORE_LOGGING, str(step)):
                    point_channel(self._connection, step)
            case StartChannel():
                start_channel(self._connection, step)
            case RecordPosition():
                self._record_position(step)
            case SetPrivileges(account, purpose):
                with self._connection.extend_lock_wait(ACCOUNT_LOCK_TIMEOUT_S, str(step)):
                    revokes = read_revokes(self._connection, account, PRIVILEGES[purpose])
                    set_privileges(self._connection, step, build_statements(step), revokes)
            case _ if isinstance(step, AccountStep):
                with self._connection.extend_lock_wait(ACCOUNT_LOCK_TIMEOUT_S, str(step)):
                    self._run_step(step)
            case _:
                self._run_step(step)

    def close(self) -> None:
        self._connection.close()

    def _run_step(self, step: Step) -> None:
        run_statements(self._connection, step, *build_statements(step))

    def _record_position(self, step: RecordPosition) -> None:
        """Record a position only if it is still missing: with an older one the channel applies transactions twice."""
        positions = read_positions(self._connection)
        unrecorded = find_unrecorded_gtids(
            self._connection, positions.logged_history, positions.applied_history, 0
        )
        if unrecorded is not None and unrecorded.position == step.position:
            self._run_step(step)
