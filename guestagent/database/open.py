"""From a socket to a Database: looks at who answers and picks the family, which only this file knows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from guestagent.database import mariadb, mysql
from guestagent.database.connection import Connection, over_socket
from guestagent.database.edge import Database, Dialect
from guestagent.database.gtid import History, MariadbHistory
from guestagent.database.mariadb.binlog import read_stamps as mariadb_stamps
from guestagent.database.mariadb.server import Mariadb
from guestagent.database.mariadb.server import source_state as mariadb_source
from guestagent.database.mysql.binlog import read_stamps as mysql_stamps
from guestagent.database.mysql.gtidset import MysqlHistory
from guestagent.database.mysql.server import Mysql
from guestagent.database.mysql.server import source_state as mysql_source
from guestagent.database.sql import sql
from guestagent.database.state import SourceState
from guestagent.database.unexpected_answer import expect_answer
from guestagent.errors import DatabaseRefused, DatabaseUnsupported

WHO = sql(
    "SHOW GLOBAL VARIABLES WHERE Variable_name IN"
    " ('version', 'version_comment', 'wsrep_on', 'group_replication_group_name')"
)


@dataclass(frozen=True, slots=True)
class Family:
    """All that a family has. `oldest`: the first version that we can keep; `nothing`: the history of a new server.

    `stamps`: from the binary log, when the transactions between two histories were made, without those of a third.
    """

    name: str
    oldest: tuple[int, ...]
    dialect: Callable[[], Dialect]
    database: Callable[[Connection], Database]
    source: Callable[[Connection], SourceState]
    nothing: History
    stamps: Callable[[Connection, History, History, History | None], Iterator[tuple[str, int]]]


FAMILIES = {
    "mariadb": Family(
        "MariaDB", (10, 6), mariadb.MariadbDialect, Mariadb, mariadb_source, MariadbHistory(), mariadb_stamps
    ),
    # 8.0.22 speaks of replicas, 8.0.23 of sources.
    "mysql": Family("MySQL", (8, 0, 23), mysql.MysqlDialect, Mysql, mysql_source, MysqlHistory(), mysql_stamps),
}

STRANGERS = {
    "percona": "Percona Server: not tried, so not supported",
    "xtradb": "Percona Server: not tried, so not supported",
    "tidb": "TiDB, which only speaks like a MySQL",
    "vitess": "Vitess, which only speaks like a MySQL",
    "-cluster": "a node of an NDB cluster: that is not supported",
}
"""By a word in the version or its comment."""


def open_database(socket: str, timeout: float, user: str = "root") -> Database:
    """The server behind a local socket, as `user` of this machine. `timeout` in seconds, for every query.

    DatabaseUnreachable where nobody answers, DatabaseRefused where it does not let us in, DatabaseUnsupported
    where it is none of ours.
    """
    connection = over_socket(socket, user, timeout)
    try:
        return find_family(connection).database(connection)
    except (DatabaseRefused, DatabaseUnsupported):
        connection.close()
        raise


def look_at_source(connection: Connection) -> SourceState:
    """What its own family reads of the server behind `connection`."""
    return find_family(connection).source(connection)


@expect_answer("looking at who answers")
def find_family(connection: Connection) -> Family:
    """Return the family of the server behind `connection`. DatabaseUnsupported, unless it is one that we can keep."""
    rows = connection.rows(WHO, "looking at who answers")
    return family({str(row["Variable_name"]): row["Value"] or "" for row in rows})


def family(seen: Mapping[str, str]) -> Family:
    """The family of a server with these variables; DatabaseUnsupported says why it is none of ours."""
    version = seen.get("version") or "unknown"
    words = f"{version} {seen.get('version_comment')}".lower()
    if seen.get("wsrep_on") == "ON":
        raise DatabaseUnsupported(
            "the server is a node of a Galera cluster (wsrep_on): that is not supported"
        )
    if seen.get("group_replication_group_name"):
        raise DatabaseUnsupported(
            "the server is a member of a replication group (group_replication_group_name): that is not supported"
        )
    for word, stranger in STRANGERS.items():
        if word in words:
            raise DatabaseUnsupported(f"the server is {stranger} ({version})")
    found = FAMILIES["mariadb" if "mariadb" in words else "mysql"]
    if _numbers(version) < found.oldest:
        oldest = ".".join(map(str, found.oldest))
        raise DatabaseUnsupported(f"{found.name} {version} is too old: {oldest} is the oldest supported")
    return found


def _numbers(version: str) -> tuple[int, ...]:
    numbers = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", version)
    return tuple(int(number or 0) for number in numbers.groups()) if numbers else ()
