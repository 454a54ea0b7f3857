"""A running MariaDB over its local socket: one look at all that counts, and every step done."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from guestagent.database.connection import Connection
from guestagent.database.edge import Dialect
from guestagent.database.gtid import History, MariadbHistory
from guestagent.database.heldup import CATCHING_UP, LOOKING, unless_held_up
from guestagent.database.log_beginning import EVENTS, read_unlogged_schemas
from guestagent.database.mariadb.accounts import accounts, extras
from guestagent.database.mariadb.channel import STATUS, channel
from guestagent.database.mariadb.dialect import MariadbDialect, script
from guestagent.database.mariadb.unrecorded import find_unrecorded
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
from guestagent.database.unexpected_answer import expect_answer
from guestagent.database.variables import running
from guestagent.errors import DatabaseRefused

COULD_NOT_INITIALIZE = 1201
"""A server killed in the middle of a CHANGE may forget its relay logs. They can be had again."""

VARIABLES = sql(
    "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('version', 'server_id', 'server_uid', 'port', 'log_bin',"
    f" 'read_only', 'have_ssl', 'datadir', 'character_set_client', {list_names(*VARIABLE_NAMES)})"
)
LOG_STATUS = sql("SHOW MASTER STATUS")
# SHOW and information_schema cut a value after 4096 characters, in the middle of a number too.
GTIDS = sql("SELECT @@GLOBAL.gtid_slave_pos AS slave_pos, @@GLOBAL.gtid_binlog_state AS binlog_state")
WAITED_DOMAINS_LIMIT = 16
"""A wait names the newest GTID of each of these: more may not fit in the smallest max_allowed_packet, 1024 bytes."""

NO_SPACE = "Waiting for someone to free space"
# Its own lists stay readable when the disk is full; what we look at next would hang then, and not end with us.
HELD_UP = sql(
    "SELECT state FROM information_schema.processlist WHERE id <> CONNECTION_ID()"
    " AND (state = {} OR (time > 4 AND (info LIKE {} OR info IN ({}, {}, {}, {}))))",
    NO_SPACE,
    f"{EVENTS}%",
    VARIABLES.text,
    LOG_STATUS.text,
    GTIDS.text,
    STATUS.text,
)
ACCOUNT_WAIT_S = 30.0
"""A statement on an account that waits for the end of a backup (BACKUP STAGE BLOCK_COMMIT) has changed its row and not
been logged. To cut it there leaves an account that no replica knows, so it may wait for this long.
"""

FOLLOWERS = sql("SHOW SLAVE HOSTS")
FORGET = sql("RESET SLAVE ALL")
# sql_log_off is the general log's, and needs SUPER. Both come back to the server's own values.
UNLOGGED = sql("SET SESSION sql_log_off = 1, slow_query_log = 0")
LOGGED = sql("SET SESSION sql_log_off = DEFAULT, slow_query_log = DEFAULT")


class Mariadb:
    """The Database of a MariaDB. Once it was DatabaseUnreachable it stays so: open another one.

    MariaDB always has GTIDs, so `gtid` is always true; whether it is strict about them is the image's choice.
    """

    def __init__(self, connection: Connection) -> None:
        self.dialect: Dialect = MariadbDialect()
        self._connection = connection

    @expect_answer(LOOKING)
    def observe(self) -> ServerState:
        """Eleven short queries and up to eight of the binary log's beginning, none of which writes."""
        unless_held_up(self._connection, HELD_UP, NO_SPACE)
        seen = variables(self._connection)
        log_status = self._connection.rows(LOG_STATUS, LOOKING)
        positions = read_positions(self._connection)
        found, marker = accounts(self._connection)
        names, followed = schemas(self._connection), channel(self._connection)
        unlogged: tuple[str, ...] = ()
        if followed is None and log_status:
            unlogged = (*read_unlogged_schemas(self._connection, names, log_status), *positions.unlogged)
        return ServerState(
            version=str(seen["version"]),
            server_id=int(str(seen["server_id"])),
            binary_log=seen["log_bin"] == "ON",
            gtid=True,
            # Newer ones know more than ON: how strictly, which is not for us to judge.
            read_only=seen["read_only"] != "OFF",
            history=positions.history,
            logged=positions.logged,
            own=positions.history.own(positions.applied),
            accounts=found,
            schemas=names,
            followers=tuple(int(str(row["Server_id"])) for row in self._connection.rows(FOLLOWERS, LOOKING)),
            marker=marker,
            uuid=seen.get("server_uid"),
            port=int(str(seen["port"])),
            tls=seen["have_ssl"] == "YES",
            folder=str(seen["datadir"]),
            channel=followed,
            # As character_set_server was at the start: a later SET GLOBAL of that one changes no channel.
            channel_charset=str(seen.get("character_set_client") or ""),
            skipping=merge_settings(find_in_variables(seen), find_in_log_status(log_status)),
            unlogged=unlogged,
            unrecorded=None
            if followed is None
            else find_unrecorded(self._connection, positions.logged, positions.applied, followed.source_id),
        )

    @expect_answer(LOOKING)
    def variables(self, names: Collection[str]) -> Mapping[str, str]:
        return running(self._connection, names)

    @expect_answer(CATCHING_UP)
    def catch_up(self, history: History, seconds: float) -> None:
        """Wait only for what is missing: the server rejects a statement that is longer than max_allowed_packet."""
        if not isinstance(history, MariadbHistory):
            return
        missing = history.find_missing(read_positions(self._connection).applied, WAITED_DOMAINS_LIMIT)
        if not missing.empty:
            self._connection.rows(sql(f"SELECT MASTER_GTID_WAIT({{}}, {seconds})", str(missing)), CATCHING_UP)

    def apply(self, step: Step) -> None:
        match step:
            case PointChannel():
                # A channel's password has no hash form: general and slow log must not see it.
                with self._connection.between(UNLOGGED, LOGGED, str(step)):
                    self._repaired(step)
            case StartChannel():
                self._started(step)
            case RecordPosition():
                self._record(step)
            case SetPrivileges(account):
                with self._connection.patient(ACCOUNT_WAIT_S, str(step)):
                    self._narrow(account, step)
            case CreateMarker() | CreateAccount() | RemakeAccount() | DropAccount():
                with self._connection.patient(ACCOUNT_WAIT_S, str(step)):
                    self._do(step)
            case SetPassword() | SetDemand() | DiscardPassword():
                with self._connection.patient(ACCOUNT_WAIT_S, str(step)):
                    self._do(step)
            case _:
                self._do(step)

    def close(self) -> None:
        self._connection.close()

    def _do(self, step: Step) -> None:
        for statement in script(step):
            self._run(statement, step)

    def _run(self, statement: Statement, step: Step) -> None:
        self._connection.rows(statement, str(step))

    def _repaired(self, step: PointChannel) -> None:
        try:
            self._do(step)
        except DatabaseRefused as error:
            if error.number != COULD_NOT_INITIALIZE:
                raise
            self._run(FORGET, step)
            self._do(step)

    def _record(self, step: RecordPosition) -> None:
        """Only if that is still missing: a position that goes back would have the channel apply transactions twice."""
        positions = read_positions(self._connection)
        missing = find_unrecorded(self._connection, positions.logged, positions.applied, 0)
        if missing is not None and missing.position == step.position:
            self._do(step)

    def _started(self, step: StartChannel) -> None:
        """A channel that cannot be started for its relay logs is forgotten: the next pass points it again."""
        try:
            self._do(step)
        except DatabaseRefused as error:
            if error.number == COULD_NOT_INITIALIZE:
                self._run(FORGET, step)
            raise

    def _narrow(self, account: Account, step: SetPrivileges) -> None:
        """Revokes only where it must: that leaves the account without any right for a moment."""
        revoke, *rights = script(step)
        for extra in extras(self._connection, account):
            self._run(revoke if extra is None else extra, step)
        for right in rights:
            self._run(right, step)


def variables(connection: Connection) -> dict[str, str | None]:
    """The server's global variables that we look at; those that it does not know are absent. None can be long."""
    rows = connection.rows(VARIABLES, LOOKING)
    return {str(row["Variable_name"]): row["Value"] for row in rows}


@dataclass(frozen=True, slots=True)
class Positions:
    """`applied`: what came over a channel, or was declared to have come; `logged`: what was logged; `history`: both."""

    applied: MariadbHistory
    logged: MariadbHistory
    history: MariadbHistory
    unlogged: tuple[str, ...]
    """GTIDs of what was applied and is not in the log."""


def read_positions(connection: Connection) -> Positions:
    """Both positions of one moment, however long they are."""
    (row,) = connection.rows(GTIDS, LOOKING)
    applied, logged = MariadbHistory.of(row["slave_pos"]), MariadbHistory.of(row["binlog_state"])
    unlogged = applied.beyond(logged)
    return Positions(
        applied, logged, logged.merge(applied), tuple(filter(None, unlogged.split(",")))
    )


@expect_answer(LOOKING)
def source_state(connection: Connection) -> SourceState:
    """What a replication account, which may do nothing else, sees of its server."""
    unless_held_up(connection, HELD_UP, NO_SPACE)
    seen = variables(connection)
    positions = read_positions(connection)
    return SourceState(
        server_id=int(str(seen["server_id"])),
        binary_log=seen["log_bin"] == "ON",
        history=positions.history,
        version=seen["version"],
        skipping=merge_settings(find_in_variables(seen)),
        uid=seen.get("server_uid"),
        unlogged=",".join(positions.unlogged),
    )
