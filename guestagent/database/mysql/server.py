"""The Database of a running MySQL: observing it, and applying steps to it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager, nullcontext

from guestagent.database.connection import Connection
from guestagent.database.gtid_history import GtidHistory
from guestagent.database.hung_server import OBSERVE_OPERATION, WAIT_OPERATION
from guestagent.database.mysql.grants import read_revokes
from guestagent.database.mysql.gtid import MysqlHistory
from guestagent.database.mysql.relay_log_repair import start_channel
from guestagent.database.mysql.server_state import read_history, read_server_state, read_server_variables
from guestagent.database.mysql.statements import PRIVILEGES, MysqlDialect, build_statements
from guestagent.database.protocols import SqlDialect
from guestagent.database.queries import read_global_variables
from guestagent.database.sql_statement import sql
from guestagent.database.state import ServerState
from guestagent.database.step_execution import run_statements, set_privileges
from guestagent.database.steps import (
    AccountStep,
    LoadClonePlugin,
    PointChannel,
    SetCopyNote,
    SetPrivileges,
    StartChannel,
    Step,
)
from guestagent.database.unsupported_response import translate_malformed_response

WAIT_ORIGIN_LIMIT = 8
"""Origins of which a wait names one interval: more may not fit in the smallest max_allowed_packet, 1024 bytes."""

DISABLE_LOGGING = sql("SET SESSION sql_log_off = 1, long_query_time = 31536000")
RESTORE_LOGGING = sql("SET SESSION sql_log_off = DEFAULT, long_query_time = DEFAULT")
CLEAR_SUPER_READ_ONLY = sql("SET GLOBAL super_read_only = 0")
SET_SUPER_READ_ONLY = sql("SET GLOBAL super_read_only = 1")


class MysqlDatabase:
    """The Database of a MySQL. After DatabaseUnreachable it cannot be used again: open another one."""

    def __init__(self, connection: Connection) -> None:
        self.dialect: SqlDialect = MysqlDialect()
        self._connection = connection

    def observe(self) -> ServerState:
        return read_server_state(self._connection)

    @translate_malformed_response(OBSERVE_OPERATION)
    def read_variables(self, names: Collection[str]) -> Mapping[str, str]:
        return read_global_variables(self._connection, names)

    @translate_malformed_response(WAIT_OPERATION)
    def wait_for_history(self, history: GtidHistory, seconds: float) -> None:
        """Wait only for missing GTIDs: the server rejects a statement that is longer than max_allowed_packet."""
        if not isinstance(history, MysqlHistory):
            return
        missing = history.subtract(read_history(self._connection)).take_newest(WAIT_ORIGIN_LIMIT)
        if not missing.is_empty:
            wait = sql(f"SELECT WAIT_FOR_EXECUTED_GTID_SET({{}}, {seconds})", str(missing))
            self._connection.fetch_rows(wait, WAIT_OPERATION)

    def apply(self, step: Step) -> None:
        match step:
            case PointChannel():
                # The server masks the password in its logs, but not if it rejects the statement for its length.
                with self._connection.apply_temporarily(DISABLE_LOGGING, RESTORE_LOGGING, str(step)):
                    self._run_step(step)
            case StartChannel():
                start_channel(self._connection, step)
            case SetPrivileges(account, purpose):
                with self._lift_super_read_only(step):
                    revokes = read_revokes(self._connection, account, PRIVILEGES[purpose])
                    set_privileges(self._connection, step, build_statements(step), revokes)
            case _ if isinstance(step, AccountStep | SetCopyNote | LoadClonePlugin):
                with self._lift_super_read_only(step):
                    self._run_step(step)
            case _:
                self._run_step(step)

    def close(self) -> None:
        self._connection.close()

    def _run_step(self, step: Step) -> None:
        run_statements(self._connection, step, *build_statements(step))

    @translate_malformed_response(OBSERVE_OPERATION)
    def _lift_super_read_only(
        self, step: AccountStep | SetCopyNote | LoadClonePlugin
    ) -> AbstractContextManager[None]:
        """Lift super_read_only, with which an image boots, while the step runs: it blocks the agent's account too.

        read_only stays on and blocks all other clients.
        """
        if read_server_variables(self._connection)["super_read_only"] == "OFF":
            return nullcontext()
        return self._connection.apply_temporarily(CLEAR_SUPER_READ_ONLY, SET_SUPER_READ_ONLY, str(step))
