"""A running MySQL over its local socket: one look at all that counts, and every step done."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager, nullcontext

from guestagent.database.connection import Connection, Row
from guestagent.database.edge import Dialect
from guestagent.database.gtid import History
from guestagent.database.heldup import CATCHING_UP, LOOKING, unless_held_up
from guestagent.database.log_beginning import EVENTS, read_unlogged_schemas
from guestagent.database.mysql.accounts import accounts, extras
from guestagent.database.mysql.channel import STATUS, channel, read_global_filters
from guestagent.database.mysql.dialect import MysqlDialect, script
from guestagent.database.mysql.gtidset import MysqlHistory
from guestagent.database.replication_settings import (
    VARIABLE_NAMES,
    find_in_log_status,
    find_in_variables,
    list_names,
    merge_settings,
)
from guestagent.database.schemas import schemas
from guestagent.database.sql import Statement, sql
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
from guestagent.database.unexpected_answer import expect_answer
from guestagent.database.variables import running
from guestagent.errors import DatabaseRefused

RELAY_LOG_DAMAGED = 13121
RELAY_LOG_LOST = 1872

VARIABLES = sql(
    "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('version', 'server_id', 'server_uuid', 'port', 'log_bin',"
    f" 'read_only', 'super_read_only', 'gtid_mode', 'datadir', 'character_set_client',"
    f" 'rpl_semi_sync_source_timeout', 'rpl_semi_sync_master_timeout', {list_names(*VARIABLE_NAMES)})"
)
SEMI_SYNC_TIMEOUTS = ("rpl_semi_sync_source_timeout", "rpl_semi_sync_master_timeout")
"""In milliseconds. The plugin that is loaded has one of them."""
LOG_STATUS, LOG_STATUS_BEFORE_8_2 = sql("SHOW BINARY LOG STATUS"), sql("SHOW MASTER STATUS")
# SHOW and performance_schema cut a value after 1024 characters, in the middle of a number too.
GTIDS = sql("SELECT @@GLOBAL.gtid_executed AS executed")
PURGED = sql("SELECT @@GLOBAL.gtid_purged <> '' AS purged")
WAITED_ORIGINS_LIMIT = 8
"""A wait names one interval of each of these: more may not fit in the smallest max_allowed_packet, 1024 bytes."""

COMMITTING = "waiting for handler commit"
# What we look at may wait for somebody else's lock, and then does not end with us. A commit takes its time on a busy
# server; that the disk is full is in the log then, once in ten minutes, and all else of the server seems well.
HELD_UP = sql(
    "SELECT state FROM performance_schema.processlist WHERE id <> CONNECTION_ID()"
    " AND ((time > 4 AND (info LIKE {} OR info IN ({}, {}, {}, {}, {}))) OR (state = {}"
    " AND EXISTS (SELECT 1 FROM performance_schema.error_log"
    " WHERE error_code = 'MY-000035' AND logged > NOW() - INTERVAL 11 MINUTE)))",
    f"{EVENTS}%",
    VARIABLES.text,
    LOG_STATUS.text,
    LOG_STATUS_BEFORE_8_2.text,
    GTIDS.text,
    STATUS.text,
    COMMITTING,
)
FOLLOWERS = sql("SHOW REPLICAS")
STOP = sql("STOP REPLICA")
FORGET_RELAY_LOGS = sql("RESET REPLICA")
UNLOGGED = sql("SET SESSION sql_log_off = 1, long_query_time = 31536000")
LOGGED = sql("SET SESSION sql_log_off = DEFAULT, long_query_time = DEFAULT")
FOR_ADMINISTRATORS = sql("SET GLOBAL super_read_only = 0")
FOR_NOBODY = sql("SET GLOBAL super_read_only = 1")

# Tells what newer ones no longer have a variable for. Empty where the server runs without performance_schema.
TLS = sql(
    "SELECT value FROM performance_schema.tls_channel_status WHERE channel = 'mysql_main' AND property = 'Enabled'"
)


class Mysql:
    """The Database of a MySQL. Once it was DatabaseUnreachable it stays so: open another one."""

    def __init__(self, connection: Connection) -> None:
        self.dialect: Dialect = MysqlDialect()
        self._connection = connection

    @expect_answer(LOOKING)
    def observe(self) -> ServerState:
        """Fourteen short queries and up to eight of the binary log's beginning, none of which writes.

        `own` is always "": a GTID names the server that gave it, so none can stand for two transactions.
        """
        unless_held_up(self._connection, HELD_UP, COMMITTING)
        seen = variables(self._connection)
        found, marker = accounts(self._connection)
        log_status = read_log_status(self._connection, str(seen["version"]))
        names, followed = schemas(self._connection), channel(self._connection)
        unlogged: tuple[str, ...] = ()
        if followed is None and log_status and not has_purged(self._connection):
            unlogged = read_unlogged_schemas(self._connection, names, log_status)
        super_read_only = seen["super_read_only"] == "ON"
        return ServerState(
            version=str(seen["version"]),
            server_id=int(str(seen["server_id"])),
            binary_log=seen["log_bin"] == "ON",
            gtid=seen["gtid_mode"] == "ON",
            read_only=super_read_only,
            restricted=seen["read_only"] == "ON" and not super_read_only,
            history=read_history(self._connection),
            accounts=found,
            schemas=names,
            followers=tuple(int(str(row["Server_Id"])) for row in self._connection.rows(FOLLOWERS, LOOKING)),
            marker=marker,
            uuid=seen["server_uuid"],
            port=int(str(seen["port"])),
            tls=self._tls(),
            folder=str(seen["datadir"]),
            channel=followed,
            # As character_set_server was at the start: a later SET GLOBAL of that one changes no channel.
            channel_charset=str(seen.get("character_set_client") or ""),
            skipping=merge_settings(
                find_in_variables(seen),
                find_in_log_status(log_status),
                read_global_filters(self._connection),
            ),
            unlogged=unlogged,
        )

    @expect_answer(LOOKING)
    def variables(self, names: Collection[str]) -> Mapping[str, str]:
        return running(self._connection, names)

    @expect_answer(CATCHING_UP)
    def catch_up(self, history: History, seconds: float) -> None:
        """Wait only for what is missing: the server rejects a statement that is longer than max_allowed_packet."""
        if not isinstance(history, MysqlHistory):
            return
        missing = history.minus(read_history(self._connection)).take_newest(WAITED_ORIGINS_LIMIT)
        if not missing.empty:
            wait = sql(f"SELECT WAIT_FOR_EXECUTED_GTID_SET({{}}, {seconds})", str(missing))
            self._connection.rows(wait, CATCHING_UP)

    def apply(self, step: Step) -> None:
        match step:
            case PointChannel():
                # It logs a mask for the password, but not where it refuses the statement for its length.
                with self._connection.between(UNLOGGED, LOGGED, str(step)):
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
        rows = self._connection.rows(TLS, LOOKING)
        return rows[0]["value"] == "Yes" if rows else None

    def _do(self, step: Step) -> None:
        for statement in script(step):
            self._run(statement, step)

    def _run(self, statement: Statement, step: Step) -> None:
        self._connection.rows(statement, str(step))

    def _started(self, step: StartChannel) -> None:
        """A start alone never mends relay logs that are damaged or lost. What was in them is fetched again, by GTID."""
        seen = channel(self._connection)
        error = None if seen is None else seen.applier_error
        if error is not None and error.number == RELAY_LOG_DAMAGED:
            self._run(STOP, step)
            self._run(FORGET_RELAY_LOGS, step)
        try:
            self._do(step)
        except DatabaseRefused as refused:
            if refused.number != RELAY_LOG_LOST:
                raise
            self._run(FORGET_RELAY_LOGS, step)
            self._do(step)

    def _narrow(self, account: Account, step: SetPrivileges) -> None:
        """Revokes only where it must: that leaves the account without any right for a moment."""
        revoke, *rights = script(step)
        for extra in extras(self._connection, account):
            self._run(revoke if extra is None else extra, step)
        for right in rights:
            self._run(right, step)

    @expect_answer(LOOKING)
    def _writable(self, step: AccountStep) -> AbstractContextManager[None]:
        """super_read_only, with which an image boots, keeps even us from making accounts: lifted for that long.

        Everybody else is kept out by read_only, which stays.
        """
        if variables(self._connection)["super_read_only"] == "OFF":
            return nullcontext()
        return self._connection.between(FOR_ADMINISTRATORS, FOR_NOBODY, str(step))


def variables(connection: Connection) -> dict[str, str | None]:
    """The server's global variables that we look at. None of them can be long."""
    rows = connection.rows(VARIABLES, LOOKING)
    return {str(row["Variable_name"]): row["Value"] for row in rows}


def read_log_status(connection: Connection, version: str) -> list[Row]:
    """The row of the binary log's status; none without a log."""
    major, minor = (int(number) for number in version.split(".")[:2])
    return connection.rows(LOG_STATUS if (major, minor) >= (8, 2) else LOG_STATUS_BEFORE_8_2, LOOKING)


def has_purged(connection: Connection) -> bool:
    """Whether the log lacks some of what was executed, and says so to replicas: they are refused, not left behind."""
    return connection.rows(PURGED, LOOKING)[0]["purged"] == "1"


def read_history(connection: Connection) -> MysqlHistory:
    """Everything that the server has executed, however long its set is."""
    (row,) = connection.rows(GTIDS, LOOKING)
    return MysqlHistory.of(row["executed"])


@expect_answer(LOOKING)
def source_state(connection: Connection) -> SourceState:
    """What a replication account, which may do nothing else, sees of its server."""
    seen = variables(connection)
    return SourceState(
        server_id=int(str(seen["server_id"])),
        binary_log=seen["log_bin"] == "ON",
        history=read_history(connection),
        version=seen["version"],
        gtid=seen["gtid_mode"] == "ON",
        uuid=seen["server_uuid"],
        acknowledgement_timeout=sum(int(seen.get(name) or 0) for name in SEMI_SYNC_TIMEOUTS) / 1000,
        skipping=merge_settings(find_in_variables(seen)),
    )
