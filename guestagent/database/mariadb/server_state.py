"""Reading the state of a MariaDB: everything that the agent observes of its own server, and of a source."""

from __future__ import annotations

from dataclasses import dataclass

from guestagent.database.connection import Connection
from guestagent.database.disk_full import MARIADB_NO_SPACE_STATE
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
)
from guestagent.database.mariadb.grants import read_accounts
from guestagent.database.mariadb.gtid import MariadbHistory
from guestagent.database.mariadb.replication_status import REPLICATION_STATUS, read_channel
from guestagent.database.mariadb.unrecorded_gtids import find_unrecorded_gtids
from guestagent.database.named_channels import complete_skip_settings
from guestagent.database.queries import read_replica_users, read_schemas
from guestagent.database.sql_statement import sql
from guestagent.database.state import ChannelState, ServerState, SourceState, UnrecordedGtids
from guestagent.database.unlogged_schemas import SHOW_BINLOG_EVENTS, read_unlogged_schemas
from guestagent.database.unsupported_response import translate_malformed_response
from guestagent.errors import DatabaseRefused

SERVER_VARIABLES = sql(
    "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('version', 'server_id', 'server_uid', 'port', 'log_bin',"
    f" 'read_only', 'have_ssl', 'datadir', 'character_set_client', {quote_names(*VARIABLE_NAMES)})"
)
LOG_STATUS = sql("SHOW MASTER STATUS")
# SHOW and information_schema cut a value after 4096 characters, even in the middle of a number.
SELECT_GTIDS = sql("SELECT @@GLOBAL.gtid_slave_pos AS slave_pos, @@GLOBAL.gtid_binlog_state AS binlog_state")
# NULL if there is no such log. Reading it needs no privilege.
FIRST_LOG_POSITION = sql(
    "SELECT BINLOG_GTID_POS(CONCAT(SUBSTRING_INDEX(@@GLOBAL.log_bin_basename, '/', -1), '.000001'), 4) AS position"
)
# The process list stays readable when the disk is full; later queries would hang then, and not end with their client.
IS_HUNG = sql(
    "(state = {} OR (time > 4 AND (info LIKE {} OR info IN ({}, {}, {}, {}))))",
    MARIADB_NO_SPACE_STATE,
    f"{SHOW_BINLOG_EVENTS}%",
    SERVER_VARIABLES.text,
    LOG_STATUS.text,
    SELECT_GTIDS.text,
    REPLICATION_STATUS.text,
)
WAITING_SESSIONS = build_session_query("information_schema.processlist", IS_HUNG)
# Without threads that wait for other ones.
APPLIER_STATES = sql(
    "SELECT state FROM information_schema.processlist WHERE command IN ('Slave_SQL', 'Slave_worker')"
    " AND state NOT IN ('Waiting for work from SQL thread', 'Waiting for prior transaction to commit') ORDER BY id"
)
CONNECTED_REPLICAS = sql("SHOW SLAVE HOSTS")


@dataclass(frozen=True, slots=True)
class GtidPositions:
    """`applied_history`: received over a channel, or recorded as received; `history`: applied or logged."""

    applied_history: MariadbHistory
    logged_history: MariadbHistory
    history: MariadbHistory
    unlogged_gtids: tuple[str, ...]
    """Applied GTIDs that are not in the log."""


@translate_malformed_response(OBSERVE_OPERATION)
def read_server_state(connection: Connection) -> ServerState:
    """Read the state with thirteen short queries and up to eight of the binary log's beginning. None of them writes.

    MariaDB always has GTIDs, so `gtid` is always true; the image decides whether they are strict.
    """
    sessions = connection.fetch_rows(WAITING_SESSIONS, OBSERVE_OPERATION)
    raise_if_hung(sessions, MARIADB_NO_SPACE_STATE)
    variables = read_server_variables(connection)
    log_status = connection.fetch_rows(LOG_STATUS, OBSERVE_OPERATION)
    positions = read_positions(connection)
    accounts, has_marker = read_accounts(connection)
    schemas = read_schemas(connection)
    try:
        channel = read_channel(connection)
    except DatabaseRefused as error:
        raise complete_skip_settings(error, variables, has_history=not positions.history.is_empty) from None
    return ServerState(
        version=str(variables["version"]),
        server_id=int(str(variables["server_id"])),
        binary_log=variables["log_bin"] == "ON",
        gtid=True,
        # Newer servers have stricter values than ON, and the agent accepts all of them.
        read_only=variables["read_only"] != "OFF",
        history=positions.history,
        logged_history=positions.logged_history,
        local_gtids=positions.history.format_local_gtids(positions.applied_history),
        accounts=accounts,
        schemas=schemas,
        replica_ids=_read_replica_ids(connection),
        replica_users=read_replica_users(connection, "information_schema"),
        has_marker=has_marker,
        uuid=variables.get("server_uid"),
        port=int(str(variables["port"])),
        tls=variables["have_ssl"] == "YES",
        data_directory=str(variables["datadir"]),
        channel=channel,
        # The value that character_set_server had at startup: a later SET GLOBAL of that changes no channel.
        channel_charset=str(variables.get("character_set_client") or ""),
        harmful_settings=merge_settings(find_variable_settings(variables), find_log_filters(log_status)),
        unlogged_data=_read_unlogged_data(connection, channel, schemas, log_status, positions),
        unrecorded_gtids=_read_unrecorded_gtids(connection, channel, positions),
        pending_statement=find_pending_statement(connection, sessions, APPLIER_STATES),
    )


@translate_malformed_response(OBSERVE_OPERATION)
def read_source_state(connection: Connection) -> SourceState:
    """Read the part of a source's state that its replication account may read."""
    raise_if_hung(connection.fetch_rows(WAITING_SESSIONS, OBSERVE_OPERATION), MARIADB_NO_SPACE_STATE)
    variables = read_server_variables(connection)
    positions = read_positions(connection)
    has_log = variables["log_bin"] == "ON"
    return SourceState(
        server_id=int(str(variables["server_id"])),
        binary_log=has_log,
        history=positions.history,
        version=variables["version"],
        harmful_settings=merge_settings(find_variable_settings(variables)),
        server_uid=variables.get("server_uid"),
        unlogged_gtids=",".join(positions.unlogged_gtids),
        has_all_logs=has_log and _has_first_log(connection),
    )


def read_server_variables(connection: Connection) -> dict[str, str | None]:
    """Read the global variables that the agent needs; those that the server lacks are absent. None can be long."""
    rows = connection.fetch_rows(SERVER_VARIABLES, OBSERVE_OPERATION)
    return {str(row["Variable_name"]): row["Value"] for row in rows}


def read_positions(connection: Connection) -> GtidPositions:
    """Read both positions at one moment, however long they are."""
    (row,) = connection.fetch_rows(SELECT_GTIDS, OBSERVE_OPERATION)
    applied, logged = MariadbHistory.parse(row["slave_pos"]), MariadbHistory.parse(row["binlog_state"])
    unlogged = applied.format_difference(logged)
    return GtidPositions(applied, logged, logged.merge(applied), tuple(filter(None, unlogged.split(","))))


def _has_first_log(connection: Connection) -> bool:
    """Return whether the first binary log is still there, and begins with an empty history."""
    (row,) = connection.fetch_rows(FIRST_LOG_POSITION, OBSERVE_OPERATION)
    return row["position"] == ""


def _read_replica_ids(connection: Connection) -> tuple[int, ...]:
    rows = connection.fetch_rows(CONNECTED_REPLICAS, OBSERVE_OPERATION)
    return tuple(int(str(row["Server_id"])) for row in rows)


def _read_unlogged_data(
    connection: Connection,
    channel: ChannelState | None,
    schemas: tuple[str, ...],
    log_status: list[Row],
    positions: GtidPositions,
) -> tuple[str, ...]:
    if channel is not None or not log_status:
        return ()
    return (*read_unlogged_schemas(connection, schemas, log_status), *positions.unlogged_gtids)


def _read_unrecorded_gtids(
    connection: Connection, channel: ChannelState | None, positions: GtidPositions
) -> UnrecordedGtids | None:
    if channel is None:
        return None
    return find_unrecorded_gtids(
        connection, positions.logged_history, positions.applied_history, channel.source_id
    )
