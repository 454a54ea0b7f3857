"""Reading the state of a MySQL: everything that the agent observes of its own server, and of a source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from guestagent.database.connection import Connection
from guestagent.database.driver import Row
from guestagent.database.harmful_settings import (
    VARIABLE_NAMES,
    find_log_filters,
    find_variable_settings,
    merge_settings,
    quote_names,
)
from guestagent.database.hung_server import (
    OBSERVE_OPERATION,
    build_session_query,
    find_pending_statement,
    raise_if_hung,
    read_process_list,
)
from guestagent.database.mysql.clone import read_copy_note
from guestagent.database.mysql.grants import read_accounts
from guestagent.database.mysql.gtid import MysqlHistory
from guestagent.database.mysql.replication_filters import read_global_filters
from guestagent.database.mysql.replication_status import REPLICATION_STATUS, read_channel
from guestagent.database.named_channels import complete_skip_settings
from guestagent.database.queries import read_replica_users, read_schemas
from guestagent.database.server_version import parse_version
from guestagent.database.sql_statement import sql
from guestagent.database.state import AccountState, ChannelState, ServerState, SourceState
from guestagent.database.unlogged_schemas import SHOW_BINLOG_EVENTS, read_unlogged_schemas
from guestagent.database.unsupported_response import translate_malformed_response
from guestagent.errors import DatabaseRefused

SERVER_VARIABLES = sql(
    "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('version', 'server_id', 'server_uuid', 'port', 'log_bin',"
    f" 'read_only', 'super_read_only', 'gtid_mode', 'datadir', 'character_set_client', 'performance_schema',"
    f" 'rpl_semi_sync_source_timeout', 'rpl_semi_sync_master_timeout', {quote_names(*VARIABLE_NAMES)})"
)
SEMI_SYNC_TIMEOUTS = ("rpl_semi_sync_source_timeout", "rpl_semi_sync_master_timeout")
"""In milliseconds. The plugin that is loaded has one of them."""
LOG_STATUS, LOG_STATUS_BEFORE_8_2 = sql("SHOW BINARY LOG STATUS"), sql("SHOW MASTER STATUS")
# SHOW and performance_schema cut a value after 1024 characters, even in the middle of a number.
SELECT_GTIDS = sql("SELECT @@GLOBAL.gtid_executed AS executed")
PURGED_GTIDS = sql("SELECT @@GLOBAL.gtid_purged <> '' AS purged")
COMMIT_WAIT_STATE = "waiting for handler commit"
# One of the agent's queries may wait for another session's lock, and does not end with its client. A commit may be slow
# on a busy server; if the disk is full, an error is logged every ten minutes, and the rest of the server seems healthy.
IS_HUNG = sql(
    "((time > 4 AND (info LIKE {} OR info IN ({}, {}, {}, {}, {}))) OR (state = {}"
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
WAITING_SESSIONS = build_session_query("performance_schema.processlist", IS_HUNG)
# Without threads that wait for other ones. The older names are from before 8.0.26.
APPLIER_STATES = sql(
    "SELECT processlist_state AS state FROM performance_schema.threads"
    " WHERE name IN ('thread/sql/replica_worker', 'thread/sql/slave_worker', 'thread/sql/replica_sql',"
    " 'thread/sql/slave_sql') AND processlist_state NOT IN ('Waiting for an event from Coordinator',"
    " 'Waiting for workers to exit', 'Waiting for dependent transaction to commit',"
    " 'Waiting for preceding transaction to commit') ORDER BY thread_id"
)
CLONE_PRIVILEGE = "BACKUP_ADMIN"
CONNECTED_REPLICAS = sql("SHOW REPLICAS")
CLONE_PLUGIN = sql(
    "SELECT plugin_status AS status FROM information_schema.plugins WHERE plugin_name = 'clone'"
)

# Newer servers have no variable for it. Empty if the server runs without performance_schema.
TLS_STATUS = sql(
    "SELECT value FROM performance_schema.tls_channel_status WHERE channel = 'mysql_main' AND property = 'Enabled'"
)


@translate_malformed_response(OBSERVE_OPERATION)
def read_server_state(connection: Connection) -> ServerState:
    """Read the state with seventeen short queries and up to eight of the binary log's beginning. None of them writes.

    `local_gtids` is always "": a GTID names the server that assigned it, so none can stand for two transactions.
    """
    sessions = connection.fetch_rows(WAITING_SESSIONS, OBSERVE_OPERATION)
    raise_if_hung(sessions, COMMIT_WAIT_STATE)
    variables = read_server_variables(connection)
    if variables.get("performance_schema") == "OFF":
        sessions = read_process_list(connection)
    accounts, has_marker = read_accounts(connection)
    log_status = read_log_status(connection, str(variables["version"]))
    schemas = read_schemas(connection)
    try:
        channel = read_channel(connection)
    except DatabaseRefused as error:
        has_history = not read_history(connection).is_empty
        raise complete_skip_settings(error, variables, has_history=has_history) from None
    is_super_read_only = variables["super_read_only"] == "ON"
    return ServerState(
        version=str(variables["version"]),
        server_id=int(str(variables["server_id"])),
        binary_log=variables["log_bin"] == "ON",
        gtid=variables["gtid_mode"] == "ON",
        read_only=is_super_read_only,
        is_restricted=variables["read_only"] == "ON" and not is_super_read_only,
        history=read_history(connection),
        accounts=accounts,
        schemas=schemas,
        replica_ids=_read_replica_ids(connection),
        replica_users=_read_replica_users(connection, variables),
        has_marker=has_marker,
        uuid=variables["server_uuid"],
        port=int(str(variables["port"])),
        tls=_read_tls_status(connection),
        data_directory=str(variables["datadir"]),
        channel=channel,
        # The value that character_set_server had at startup: a later SET GLOBAL of that changes no channel.
        channel_charset=str(variables.get("character_set_client") or ""),
        harmful_settings=merge_settings(
            find_variable_settings(variables),
            find_log_filters(log_status),
            read_global_filters(connection, OBSERVE_OPERATION),
        ),
        unlogged_data=_read_unlogged_data(connection, channel, schemas, log_status),
        pending_statement=find_pending_statement(connection, sessions, APPLIER_STATES),
        clone_plugin=_read_clone_plugin(connection),
        copy_note=read_copy_note(connection) if _can_be_cloned(accounts) else None,
    )


def _can_be_cloned(accounts: Iterable[AccountState]) -> bool:
    """Return whether there is a donor account. Without one, nobody needs to know about each table."""
    return any(each.is_marked and CLONE_PRIVILEGE in each.privileges for each in accounts)


@translate_malformed_response(OBSERVE_OPERATION)
def read_source_state(connection: Connection) -> SourceState:
    """Read the part of a source's state that its replication account may read."""
    variables = read_server_variables(connection)
    return SourceState(
        server_id=int(str(variables["server_id"])),
        binary_log=variables["log_bin"] == "ON",
        history=read_history(connection),
        version=variables["version"],
        gtid=variables["gtid_mode"] == "ON",
        uuid=variables["server_uuid"],
        acknowledgement_timeout=sum(int(variables.get(name) or 0) for name in SEMI_SYNC_TIMEOUTS) / 1000,
        harmful_settings=merge_settings(find_variable_settings(variables)),
        has_all_logs=not has_purged_gtids(connection),
    )


def read_server_variables(connection: Connection) -> dict[str, str | None]:
    """Read the global variables that the agent needs. None of their values can be long."""
    rows = connection.fetch_rows(SERVER_VARIABLES, OBSERVE_OPERATION)
    return {str(row["Variable_name"]): row["Value"] for row in rows}


def read_log_status(connection: Connection, version: str) -> list[Row]:
    """Read the status row of the binary log; no rows without a log."""
    is_renamed = parse_version(version) >= (8, 2)
    return connection.fetch_rows(LOG_STATUS if is_renamed else LOG_STATUS_BEFORE_8_2, OBSERVE_OPERATION)


def has_purged_gtids(connection: Connection) -> bool:
    """Return whether the log lacks transactions. The server then rejects a new replica, which thus misses no data."""
    return connection.fetch_rows(PURGED_GTIDS, OBSERVE_OPERATION)[0]["purged"] == "1"


def read_history(connection: Connection) -> MysqlHistory:
    """Read the executed GTID set, however long it is."""
    (row,) = connection.fetch_rows(SELECT_GTIDS, OBSERVE_OPERATION)
    return MysqlHistory.parse(row["executed"])


def _read_replica_ids(connection: Connection) -> tuple[int, ...]:
    rows = connection.fetch_rows(CONNECTED_REPLICAS, OBSERVE_OPERATION)
    return tuple(int(str(row["Server_Id"])) for row in rows)


def _read_replica_users(connection: Connection, variables: Mapping[str, str | None]) -> frozenset[str]:
    """Read them from the old process list, which locks all sessions for a moment, only if there is no other one."""
    has_table = variables.get("performance_schema") != "OFF"
    return read_replica_users(connection, "performance_schema" if has_table else "information_schema")


def _read_clone_plugin(connection: Connection) -> str:
    rows = connection.fetch_rows(CLONE_PLUGIN, OBSERVE_OPERATION)
    return str(rows[0]["status"]) if rows else ""


def _read_tls_status(connection: Connection) -> bool | None:
    rows = connection.fetch_rows(TLS_STATUS, OBSERVE_OPERATION)
    return rows[0]["value"] == "Yes" if rows else None


def _read_unlogged_data(
    connection: Connection, channel: ChannelState | None, schemas: tuple[str, ...], log_status: list[Row]
) -> tuple[str, ...]:
    if channel is not None or not log_status or has_purged_gtids(connection):
        return ()
    return read_unlogged_schemas(connection, schemas, log_status)
