"""A running MariaDB over its local socket: one look at all that counts, and every step done."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from guestagent.database.connection import Connection
from guestagent.database.gtid_history import GtidHistory
from guestagent.database.hung_server import OBSERVE_OPERATION, WAIT_OPERATION, raise_if_hung
from guestagent.database.malformed_response import translate_malformed_response
from guestagent.database.mariadb.grants import build_revokes, read_accounts
from guestagent.database.mariadb.gtid import MariadbHistory
from guestagent.database.mariadb.replication_status import REPLICATION_STATUS, read_channel
from guestagent.database.mariadb.statements import MariadbDialect, build_statements
from guestagent.database.mariadb.unrecorded_gtids import find_unrecorded_gtids
from guestagent.database.protocols import SqlDialect
from guestagent.database.queries import read_global_variables, read_schemas
from guestagent.database.replication_settings import (
    VARIABLE_NAMES,
    find_log_filters,
    find_variable_settings,
    merge_settings,
    quote_names,
)
from guestagent.database.sql_statement import Statement, sql
from guestagent.database.state import Account, ServerState, SourceState
from guestagent.database.steps import (
    CreateAccount,
    CreateMarker,
    DiscardPassword,
    DropAccount,
    PointChannel,
    RecordPosition,
    RemakeAccount,
    SetDemand,
    SetPassword,
    SetPrivileges,
    StartChannel,
    Step,
)
from guestagent.database.unlogged_schemas import SHOW_BINLOG_EVENTS, read_unlogged_schemas
from guestagent.errors import DatabaseRefused

ER_MASTER_INFO = 1201
"""A server killed in the middle of a CHANGE may forget its relay logs. They can be had again."""

SERVER_VARIABLES = sql(
    "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('version', 'server_id', 'server_uid', 'port', 'log_bin',"
    f" 'read_only', 'have_ssl', 'datadir', 'character_set_client', {quote_names(*VARIABLE_NAMES)})"
)
LOG_STATUS = sql("SHOW MASTER STATUS")
# SHOW and information_schema cut a value after 4096 characters, in the middle of a number too.
SELECT_GTIDS = sql("SELECT @@GLOBAL.gtid_slave_pos AS slave_pos, @@GLOBAL.gtid_binlog_state AS binlog_state")
WAIT_DOMAIN_LIMIT = 16
"""A wait names the newest GTID of each of these: more may not fit in the smallest max_allowed_packet, 1024 bytes."""

NO_SPACE_STATE = "Waiting for someone to free space"
# Its own lists stay readable when the disk is full; what we look at next would hang then, and not end with us.
HUNG_SESSIONS = sql(
    "SELECT state FROM information_schema.processlist WHERE id <> CONNECTION_ID()"
    " AND (state = {} OR (time > 4 AND (info LIKE {} OR info IN ({}, {}, {}, {}))))",
    NO_SPACE_STATE,
    f"{SHOW_BINLOG_EVENTS}%",
    SERVER_VARIABLES.text,
    LOG_STATUS.text,
    SELECT_GTIDS.text,
    REPLICATION_STATUS.text,
)
ACCOUNT_LOCK_TIMEOUT_S = 30.0
"""A statement on an account that waits for the end of a backup (BACKUP STAGE BLOCK_COMMIT) has changed its row and not
been logged. To cut it there leaves an account that no replica knows, so it may wait for this long.
"""

CONNECTED_REPLICAS = sql("SHOW SLAVE HOSTS")
RESET_CHANNEL = sql("RESET SLAVE ALL")
# sql_log_off is the general log's, and needs SUPER. Both come back to the server's own values.
DISABLE_LOGGING = sql("SET SESSION sql_log_off = 1, slow_query_log = 0")
RESTORE_LOGGING = sql("SET SESSION sql_log_off = DEFAULT, slow_query_log = DEFAULT")


class MariadbDatabase:
    """The Database of a MariaDB. Once it was DatabaseUnreachable it stays so: open another one.

    MariaDB always has GTIDs, so `gtid` is always true; whether it is strict about them is the image's choice.
    """

    def __init__(self, connection: Connection) -> None:
        self.dialect: SqlDialect = MariadbDialect()
        self._connection = connection

    @translate_malformed_response(OBSERVE_OPERATION)
    def observe(self) -> ServerState:
        """Eleven short queries and up to eight of the binary log's beginning, none of which writes."""
        raise_if_hung(self._connection, HUNG_SESSIONS, NO_SPACE_STATE)
        seen = read_server_variables(self._connection)
        log_status = self._connection.fetch_rows(LOG_STATUS, OBSERVE_OPERATION)
        positions = read_positions(self._connection)
        found, marker = read_accounts(self._connection)
        names, followed = read_schemas(self._connection), read_channel(self._connection)
        unlogged: tuple[str, ...] = ()
        if followed is None and log_status:
            unlogged = (
                *read_unlogged_schemas(self._connection, names, log_status),
                *positions.unlogged_gtids,
            )
        return ServerState(
            version=str(seen["version"]),
            server_id=int(str(seen["server_id"])),
            binary_log=seen["log_bin"] == "ON",
            gtid=True,
            # Newer ones know more than ON: how strictly, which is not for us to judge.
            read_only=seen["read_only"] != "OFF",
            history=positions.history,
            logged_history=positions.logged_history,
            local_gtids=positions.history.format_local_gtids(positions.applied_history),
            accounts=found,
            schemas=names,
            replica_ids=tuple(
                int(str(row["Server_id"]))
                for row in self._connection.fetch_rows(CONNECTED_REPLICAS, OBSERVE_OPERATION)
            ),
            has_marker=marker,
            uuid=seen.get("server_uid"),
            port=int(str(seen["port"])),
            tls=seen["have_ssl"] == "YES",
            data_directory=str(seen["datadir"]),
            channel=followed,
            # As character_set_server was at the start: a later SET GLOBAL of that one changes no channel.
            channel_charset=str(seen.get("character_set_client") or ""),
            harmful_settings=merge_settings(find_variable_settings(seen), find_log_filters(log_status)),
            unlogged_data=unlogged,
            unrecorded_gtids=None
            if followed is None
            else find_unrecorded_gtids(
                self._connection, positions.logged_history, positions.applied_history, followed.source_id
            ),
        )

    @translate_malformed_response(OBSERVE_OPERATION)
    def read_variables(self, names: Collection[str]) -> Mapping[str, str]:
        return read_global_variables(self._connection, names)

    @translate_malformed_response(WAIT_OPERATION)
    def wait_for_history(self, history: GtidHistory, seconds: float) -> None:
        """Wait only for what is missing: the server rejects a statement that is longer than max_allowed_packet."""
        if not isinstance(history, MariadbHistory):
            return
        missing = history.find_missing(read_positions(self._connection).applied_history, WAIT_DOMAIN_LIMIT)
        if not missing.is_empty:
            self._connection.fetch_rows(
                sql(f"SELECT MASTER_GTID_WAIT({{}}, {seconds})", str(missing)), WAIT_OPERATION
            )

    def apply(self, step: Step) -> None:
        match step:
            case PointChannel():
                # A channel's password has no hash form: general and slow log must not see it.
                with self._connection.apply_temporarily(DISABLE_LOGGING, RESTORE_LOGGING, str(step)):
                    self._repaired(step)
            case StartChannel():
                self._started(step)
            case RecordPosition():
                self._record(step)
            case SetPrivileges(account):
                with self._connection.extend_lock_wait(ACCOUNT_LOCK_TIMEOUT_S, str(step)):
                    self._narrow(account, step)
            case CreateMarker() | CreateAccount() | RemakeAccount() | DropAccount():
                with self._connection.extend_lock_wait(ACCOUNT_LOCK_TIMEOUT_S, str(step)):
                    self._do(step)
            case SetPassword() | SetDemand() | DiscardPassword():
                with self._connection.extend_lock_wait(ACCOUNT_LOCK_TIMEOUT_S, str(step)):
                    self._do(step)
            case _:
                self._do(step)

    def close(self) -> None:
        self._connection.close()

    def _do(self, step: Step) -> None:
        for statement in build_statements(step):
            self._run(statement, step)

    def _run(self, statement: Statement, step: Step) -> None:
        self._connection.fetch_rows(statement, str(step))

    def _repaired(self, step: PointChannel) -> None:
        try:
            self._do(step)
        except DatabaseRefused as error:
            if error.number != ER_MASTER_INFO:
                raise
            self._run(RESET_CHANNEL, step)
            self._do(step)

    def _record(self, step: RecordPosition) -> None:
        """Only if that is still missing: a position that goes back would have the channel apply transactions twice."""
        positions = read_positions(self._connection)
        missing = find_unrecorded_gtids(
            self._connection, positions.logged_history, positions.applied_history, 0
        )
        if missing is not None and missing.position == step.position:
            self._do(step)

    def _started(self, step: StartChannel) -> None:
        """A channel that cannot be started for its relay logs is forgotten: the next pass points it again."""
        try:
            self._do(step)
        except DatabaseRefused as error:
            if error.number == ER_MASTER_INFO:
                self._run(RESET_CHANNEL, step)
            raise

    def _narrow(self, account: Account, step: SetPrivileges) -> None:
        """Revokes only where it must: that leaves the account without any right for a moment."""
        revoke, *rights = build_statements(step)
        for extra in build_revokes(self._connection, account):
            self._run(revoke if extra is None else extra, step)
        for right in rights:
            self._run(right, step)


def read_server_variables(connection: Connection) -> dict[str, str | None]:
    """The server's global variables that we look at; those that it does not know are absent. None can be long."""
    rows = connection.fetch_rows(SERVER_VARIABLES, OBSERVE_OPERATION)
    return {str(row["Variable_name"]): row["Value"] for row in rows}


@dataclass(frozen=True, slots=True)
class GtidPositions:
    """`applied`: what came over a channel, or was declared to have come; `logged`: what was logged; `history`: both."""

    applied_history: MariadbHistory
    logged_history: MariadbHistory
    history: MariadbHistory
    unlogged_gtids: tuple[str, ...]
    """GTIDs of what was applied and is not in the log."""


def read_positions(connection: Connection) -> GtidPositions:
    """Both positions of one moment, however long they are."""
    (row,) = connection.fetch_rows(SELECT_GTIDS, OBSERVE_OPERATION)
    applied, logged = MariadbHistory.parse(row["slave_pos"]), MariadbHistory.parse(row["binlog_state"])
    unlogged = applied.format_difference(logged)
    return GtidPositions(applied, logged, logged.merge(applied), tuple(filter(None, unlogged.split(","))))


@translate_malformed_response(OBSERVE_OPERATION)
def read_source_state(connection: Connection) -> SourceState:
    """What a replication account, which may do nothing else, sees of its server."""
    raise_if_hung(connection, HUNG_SESSIONS, NO_SPACE_STATE)
    seen = read_server_variables(connection)
    positions = read_positions(connection)
    return SourceState(
        server_id=int(str(seen["server_id"])),
        binary_log=seen["log_bin"] == "ON",
        history=positions.history,
        version=seen["version"],
        harmful_settings=merge_settings(find_variable_settings(seen)),
        server_uid=seen.get("server_uid"),
        unlogged_gtids=",".join(positions.unlogged_gtids),
    )
