"""A running MySQL over its local socket: one look at all that counts, and every step done."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager, nullcontext

from guestagent.database.connection import Connection
from guestagent.database.driver import Row
from guestagent.database.gtid_history import GtidHistory
from guestagent.database.hung_server import OBSERVE_OPERATION, WAIT_OPERATION, raise_if_hung
from guestagent.database.malformed_response import translate_malformed_response
from guestagent.database.mysql.grants import build_revokes, read_accounts
from guestagent.database.mysql.gtid import MysqlHistory
from guestagent.database.mysql.replication_status import REPLICATION_STATUS, read_channel, read_global_filters
from guestagent.database.mysql.statements import MysqlDialect, build_statements
from guestagent.database.protocols import SqlDialect
from guestagent.database.queries import read_global_variables, read_schemas
from guestagent.database.replication_settings import (
    VARIABLE_NAMES,
    find_log_filters,
    find_variable_settings,
    merge_settings,
    quote_names,
)
from guestagent.database.server_version import parse_version
from guestagent.database.sql_statement import Statement, sql
from guestagent.database.state import Account, ServerState, SourceState
from guestagent.database.steps import (
    AccountStep,
    CreateAccount,
    CreateMarker,
    DiscardPassword,
    DropAccount,
    PointChannel,
    RemakeAccount,
    SetDemand,
    SetPassword,
    SetPrivileges,
    StartChannel,
    Step,
)
from guestagent.database.unlogged_schemas import SHOW_BINLOG_EVENTS, read_unlogged_schemas
from guestagent.errors import DatabaseRefused

RELAY_LOG_DAMAGED = 13121
RELAY_LOG_LOST = 1872

SERVER_VARIABLES = sql(
    "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('version', 'server_id', 'server_uuid', 'port', 'log_bin',"
    f" 'read_only', 'super_read_only', 'gtid_mode', 'datadir', 'character_set_client',"
    f" 'rpl_semi_sync_source_timeout', 'rpl_semi_sync_master_timeout', {quote_names(*VARIABLE_NAMES)})"
)
SEMI_SYNC_TIMEOUTS = ("rpl_semi_sync_source_timeout", "rpl_semi_sync_master_timeout")
"""In milliseconds. The plugin that is loaded has one of them."""
LOG_STATUS, LOG_STATUS_BEFORE_8_2 = sql("SHOW BINARY LOG STATUS"), sql("SHOW MASTER STATUS")
# SHOW and performance_schema cut a value after 1024 characters, in the middle of a number too.
SELECT_GTIDS = sql("SELECT @@GLOBAL.gtid_executed AS executed")
PURGED_GTIDS = sql("SELECT @@GLOBAL.gtid_purged <> '' AS purged")
WAIT_ORIGIN_LIMIT = 8
"""A wait names one interval of each of these: more may not fit in the smallest max_allowed_packet, 1024 bytes."""

COMMIT_WAIT_STATE = "waiting for handler commit"
# What we look at may wait for somebody else's lock, and then does not end with us. A commit takes its time on a busy
# server; that the disk is full is in the log then, once in ten minutes, and all else of the server seems well.
HUNG_SESSIONS = sql(
    "SELECT state FROM performance_schema.processlist WHERE id <> CONNECTION_ID()"
    " AND ((time > 4 AND (info LIKE {} OR info IN ({}, {}, {}, {}, {}))) OR (state = {}"
    " AND EXISTS (SELECT 1 FROM performance_schema.error_log"
    " WHERE error_code = 'MY-000035' AND logged > NOW() - INTERVAL 11 MINUTE)))",
    f"{SHOW_BINLOG_EVENTS}%",
    SERVER_VARIABLES.text,
    LOG_STATUS.text,
    LOG_STATUS_BEFORE_8_2.text,
    SELECT_GTIDS.text,
    REPLICATION_STATUS.text,
    COMMIT_WAIT_STATE,
)
CONNECTED_REPLICAS = sql("SHOW REPLICAS")
STOP_CHANNEL = sql("STOP REPLICA")
RESET_RELAY_LOGS = sql("RESET REPLICA")
DISABLE_LOGGING = sql("SET SESSION sql_log_off = 1, long_query_time = 31536000")
RESTORE_LOGGING = sql("SET SESSION sql_log_off = DEFAULT, long_query_time = DEFAULT")
CLEAR_SUPER_READ_ONLY = sql("SET GLOBAL super_read_only = 0")
SET_SUPER_READ_ONLY = sql("SET GLOBAL super_read_only = 1")

# Tells what newer ones no longer have a variable for. Empty where the server runs without performance_schema.
TLS_STATUS = sql(
    "SELECT value FROM performance_schema.tls_channel_status WHERE channel = 'mysql_main' AND property = 'Enabled'"
)


class MysqlDatabase:
    """The Database of a MySQL. Once it was DatabaseUnreachable it stays so: open another one."""

    def __init__(self, connection: Connection) -> None:
        self.dialect: SqlDialect = MysqlDialect()
        self._connection = connection

    @translate_malformed_response(OBSERVE_OPERATION)
    def observe(self) -> ServerState:
        """Fourteen short queries and up to eight of the binary log's beginning, none of which writes.

        `own` is always "": a GTID names the server that gave it, so none can stand for two transactions.
        """
        raise_if_hung(self._connection, HUNG_SESSIONS, COMMIT_WAIT_STATE)
        seen = read_server_variables(self._connection)
        found, marker = read_accounts(self._connection)
        log_status = read_log_status(self._connection, str(seen["version"]))
        names, followed = read_schemas(self._connection), read_channel(self._connection)
        unlogged: tuple[str, ...] = ()
        if followed is None and log_status and not has_purged_gtids(self._connection):
            unlogged = read_unlogged_schemas(self._connection, names, log_status)
        super_read_only = seen["super_read_only"] == "ON"
        return ServerState(
            version=str(seen["version"]),
            server_id=int(str(seen["server_id"])),
            binary_log=seen["log_bin"] == "ON",
            gtid=seen["gtid_mode"] == "ON",
            read_only=super_read_only,
            is_restricted=seen["read_only"] == "ON" and not super_read_only,
            history=read_history(self._connection),
            accounts=found,
            schemas=names,
            replica_ids=tuple(
                int(str(row["Server_Id"]))
                for row in self._connection.fetch_rows(CONNECTED_REPLICAS, OBSERVE_OPERATION)
            ),
            has_marker=marker,
            uuid=seen["server_uuid"],
            port=int(str(seen["port"])),
            tls=self._tls(),
            data_directory=str(seen["datadir"]),
            channel=followed,
            # As character_set_server was at the start: a later SET GLOBAL of that one changes no channel.
            channel_charset=str(seen.get("character_set_client") or ""),
            harmful_settings=merge_settings(
                find_variable_settings(seen),
                find_log_filters(log_status),
                read_global_filters(self._connection),
            ),
            unlogged_data=unlogged,
        )

    @translate_malformed_response(OBSERVE_OPERATION)
    def read_variables(self, names: Collection[str]) -> Mapping[str, str]:
        return read_global_variables(self._connection, names)

    @translate_malformed_response(WAIT_OPERATION)
    def wait_for_history(self, history: GtidHistory, seconds: float) -> None:
        """Wait only for what is missing: the server rejects a statement that is longer than max_allowed_packet."""
        if not isinstance(history, MysqlHistory):
            return
        missing = history.subtract(read_history(self._connection)).take_newest(WAIT_ORIGIN_LIMIT)
        if not missing.is_empty:
            wait = sql(f"SELECT WAIT_FOR_EXECUTED_GTID_SET({{}}, {seconds})", str(missing))
            self._connection.fetch_rows(wait, WAIT_OPERATION)

    def apply(self, step: Step) -> None:
        match step:
            case PointChannel():
                # It logs a mask for the password, but not where it refuses the statement for its length.
                with self._connection.apply_temporarily(DISABLE_LOGGING, RESTORE_LOGGING, str(step)):
                    self._do(step)
            case StartChannel():
                self._started(step)
            case SetPrivileges(account):
                with self._writable(step):
                    self._narrow(account, step)
            case CreateMarker() | CreateAccount() | RemakeAccount() | DropAccount():
                with self._writable(step):
                    self._do(step)
            case SetPassword() | SetDemand() | DiscardPassword():
                with self._writable(step):
                    self._do(step)
            case _:
                self._do(step)

    def close(self) -> None:
        self._connection.close()

    def _tls(self) -> bool | None:
        rows = self._connection.fetch_rows(TLS_STATUS, OBSERVE_OPERATION)
        return rows[0]["value"] == "Yes" if rows else None

    def _do(self, step: Step) -> None:
        for statement in build_statements(step):
            self._run(statement, step)

    def _run(self, statement: Statement, step: Step) -> None:
        self._connection.fetch_rows(statement, str(step))

    def _started(self, step: StartChannel) -> None:
        """A start alone never mends relay logs that are damaged or lost. What was in them is fetched again, by GTID."""
        seen = read_channel(self._connection)
        error = None if seen is None else seen.applier_error
        if error is not None and error.number == RELAY_LOG_DAMAGED:
            self._run(STOP_CHANNEL, step)
            self._run(RESET_RELAY_LOGS, step)
        try:
            self._do(step)
        except DatabaseRefused as refused:
            if refused.number != RELAY_LOG_LOST:
                raise
            self._run(RESET_RELAY_LOGS, step)
            self._do(step)

    def _narrow(self, account: Account, step: SetPrivileges) -> None:
        """Revokes only where it must: that leaves the account without any right for a moment."""
        revoke, *rights = build_statements(step)
        for extra in build_revokes(self._connection, account):
            self._run(revoke if extra is None else extra, step)
        for right in rights:
            self._run(right, step)

    @translate_malformed_response(OBSERVE_OPERATION)
    def _writable(self, step: AccountStep) -> AbstractContextManager[None]:
        """super_read_only, with which an image boots, keeps even us from making accounts: lifted for that long.

        Everybody else is kept out by read_only, which stays.
        """
        if read_server_variables(self._connection)["super_read_only"] == "OFF":
            return nullcontext()
        return self._connection.apply_temporarily(CLEAR_SUPER_READ_ONLY, SET_SUPER_READ_ONLY, str(step))


def read_server_variables(connection: Connection) -> dict[str, str | None]:
    """The server's global variables that we look at. None of them can be long."""
    rows = connection.fetch_rows(SERVER_VARIABLES, OBSERVE_OPERATION)
    return {str(row["Variable_name"]): row["Value"] for row in rows}


def read_log_status(connection: Connection, version: str) -> list[Row]:
    """The row of the binary log's status; none without a log."""
    is_renamed = parse_version(version) >= (8, 2)
    return connection.fetch_rows(LOG_STATUS if is_renamed else LOG_STATUS_BEFORE_8_2, OBSERVE_OPERATION)


def has_purged_gtids(connection: Connection) -> bool:
    """Whether the log lacks some of what was executed, and says so to replicas: they are refused, not left behind."""
    return connection.fetch_rows(PURGED_GTIDS, OBSERVE_OPERATION)[0]["purged"] == "1"


def read_history(connection: Connection) -> MysqlHistory:
    """Everything that the server has executed, however long its set is."""
    (row,) = connection.fetch_rows(SELECT_GTIDS, OBSERVE_OPERATION)
    return MysqlHistory.parse(row["executed"])


@translate_malformed_response(OBSERVE_OPERATION)
def read_source_state(connection: Connection) -> SourceState:
    """What a replication account, which may do nothing else, sees of its server."""
    seen = read_server_variables(connection)
    return SourceState(
        server_id=int(str(seen["server_id"])),
        binary_log=seen["log_bin"] == "ON",
        history=read_history(connection),
        version=seen["version"],
        gtid=seen["gtid_mode"] == "ON",
        uuid=seen["server_uuid"],
        acknowledgement_timeout=sum(int(seen.get(name) or 0) for name in SEMI_SYNC_TIMEOUTS) / 1000,
        harmful_settings=merge_settings(find_variable_settings(seen)),
    )
