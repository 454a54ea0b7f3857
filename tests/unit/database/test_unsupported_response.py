"""Malformed responses, such as those of a proxy: a typed error instead of a KeyError or ValueError."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

import pytest

from guestagent.database.connection import Connection
from guestagent.database.driver import Row
from guestagent.database.mariadb import server as mariadb
from guestagent.database.mariadb import server_state as mariadb_state
from guestagent.database.mysql import server as mysql
from guestagent.database.mysql import server_state as mysql_state
from guestagent.database.protocols import Database
from guestagent.database.sql_statement import Statement
from guestagent.database.unsupported_response import translate_malformed_response
from guestagent.errors import DatabaseRefused, DatabaseUnsupported

NAMES = (
    "version",
    "server_id",
    "server_uuid",
    "port",
    "log_bin",
    "read_only",
    "super_read_only",
    "gtid_mode",
    "datadir",
)
ALL_VARIABLES = {**dict.fromkeys(NAMES, "1"), "have_ssl": "YES", "version": "9.7.0"}


class IncompleteProxy:
    """Returns these variables and rows of GTIDs, and no rows for any other query."""

    def __init__(self, variables: Mapping[str, str], *gtids: Row) -> None:
        self._variables, self._gtids = variables, list(gtids)

    def fetch_rows(self, statement: Statement, operation: str) -> list[Row]:
        if "Variable_name IN" in statement.text:
            return [{"Variable_name": name, "Value": value} for name, value in self._variables.items()]
        return self._gtids if "gtid" in statement.text else []


StateReader = Callable[[Connection], object]


def build_observer(database: Callable[[Connection], Database]) -> StateReader:
    return lambda connection: database(connection).observe()


EACH_READER = pytest.mark.parametrize(
    "read_state",
    [
        build_observer(mariadb.MariadbDatabase),
        mariadb_state.read_source_state,
        build_observer(mysql.MysqlDatabase),
        mysql_state.read_source_state,
    ],
    ids=["mariadb", "mariadb as a source", "mysql", "mysql as a source"],
)


def open_connection(variables: Mapping[str, str], *gtids: Row) -> Connection:
    return cast("Connection", IncompleteProxy(variables, *gtids))


@EACH_READER
@pytest.mark.parametrize("missing", ["server_id", "log_bin"])
def test_a_missing_variable_is_named(read_state: StateReader, missing: str) -> None:
    variables = {name: value for name, value in ALL_VARIABLES.items() if name != missing}
    gtids = {"slave_pos": "", "binlog_state": "", "executed": ""}

    with pytest.raises(DatabaseUnsupported, match=f"the response lacks {missing}; it may be a proxy"):
        read_state(open_connection(variables, gtids))


@EACH_READER
def test_a_response_without_rows_is_malformed(read_state: StateReader) -> None:
    with pytest.raises(DatabaseUnsupported, match="it may be a proxy"):
        read_state(open_connection(ALL_VARIABLES))


@EACH_READER
def test_an_invalid_gtid_set_is_malformed(read_state: StateReader) -> None:
    gtids = dict.fromkeys(("slave_pos", "binlog_state", "executed"), "not a GTID")

    with pytest.raises(DatabaseUnsupported, match="malformed response"):
        read_state(open_connection(ALL_VARIABLES, gtids))


@EACH_READER
def test_an_invalid_number_is_malformed(read_state: StateReader) -> None:
    gtids = {"slave_pos": "", "binlog_state": "", "executed": ""}

    with pytest.raises(DatabaseUnsupported, match="malformed response"):
        read_state(open_connection({**ALL_VARIABLES, "server_id": "seven"}, gtids))


def test_an_error_of_the_server_passes_through() -> None:
    with pytest.raises(DatabaseRefused), translate_malformed_response("reading"):
        raise DatabaseRefused("reading", 1227, "Access denied")
