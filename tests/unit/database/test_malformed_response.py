"""A proxy that tells part of what it is asked, and GTID sets that are none: an error that says so, and no bug."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

import pytest

from guestagent.database.connection import Connection
from guestagent.database.driver import Row
from guestagent.database.malformed_response import translate_malformed_response
from guestagent.database.mariadb import server as mariadb
from guestagent.database.mariadb import server_state as mariadb_state
from guestagent.database.mysql import server as mysql
from guestagent.database.mysql import server_state as mysql_state
from guestagent.database.protocols import Database
from guestagent.database.sql_statement import Statement
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
WHOLE = {**dict.fromkeys(NAMES, "1"), "have_ssl": "YES", "version": "9.7.0"}


class Proxy:
    """Answers with these variables and these rows of GTIDs, and with nothing to anything else."""

    def __init__(self, variables: Mapping[str, str], *gtids: Row) -> None:
        self._variables, self._gtids = variables, list(gtids)

    def fetch_rows(self, statement: Statement, doing: str) -> list[Row]:
        if "Variable_name IN" in statement.text:
            return [{"Variable_name": name, "Value": value} for name, value in self._variables.items()]
        return self._gtids if "gtid" in statement.text else []


Look = Callable[[Connection], object]


def observe(database: Callable[[Connection], Database]) -> Look:
    return lambda connection: database(connection).observe()


LOOKS = pytest.mark.parametrize(
    "look",
    [
        observe(mariadb.MariadbDatabase),
        mariadb_state.read_source_state,
        observe(mysql.MysqlDatabase),
        mysql_state.read_source_state,
    ],
    ids=["mariadb", "mariadb as a source", "mysql", "mysql as a source"],
)


def connection(variables: Mapping[str, str], *gtids: Row) -> Connection:
    return cast("Connection", Proxy(variables, *gtids))


@LOOKS
@pytest.mark.parametrize("missing", ["server_id", "log_bin"])
def test_a_variable_that_is_not_told_is_named(look: Look, missing: str) -> None:
    told = {name: value for name, value in WHOLE.items() if name != missing}
    gtids = {"slave_pos": "", "binlog_state": "", "executed": ""}

    with pytest.raises(DatabaseUnsupported, match=f"the response lacks {missing}; it may be a proxy"):
        look(connection(told, gtids))


@LOOKS
def test_no_row_at_all_makes_no_sense(look: Look) -> None:
    with pytest.raises(DatabaseUnsupported, match="it may be a proxy"):
        look(connection(WHOLE))


@LOOKS
def test_a_gtid_set_that_is_none_makes_no_sense(look: Look) -> None:
    gtids = dict.fromkeys(("slave_pos", "binlog_state", "executed"), "what is a GTID?")

    with pytest.raises(DatabaseUnsupported, match="malformed response"):
        look(connection(WHOLE, gtids))


@LOOKS
def test_a_number_that_is_none_makes_no_sense(look: Look) -> None:
    gtids = {"slave_pos": "", "binlog_state": "", "executed": ""}

    with pytest.raises(DatabaseUnsupported, match="malformed response"):
        look(connection({**WHOLE, "server_id": "seven"}, gtids))


def test_what_the_server_refuses_passes_through() -> None:
    with pytest.raises(DatabaseRefused), translate_malformed_response("looking"):
        raise DatabaseRefused("looking", 1227, "Access denied")
