"""From a socket to a Database: looks at who answers and picks the family, which only this file knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from guestagent.database import mariadb, mysql
from guestagent.database.connection import Connection
from guestagent.database.gtid_history import GtidHistory
from guestagent.database.login import connect_socket
from guestagent.database.malformed_response import translate_malformed_response
from guestagent.database.mariadb.binlog import read_timestamps as mariadb_stamps
from guestagent.database.mariadb.gtid import MariadbHistory
from guestagent.database.mariadb.server import MariadbDatabase
from guestagent.database.mariadb.server_state import read_source_state as mariadb_source
from guestagent.database.mysql.binlog import read_timestamps as mysql_stamps
from guestagent.database.mysql.gtid import MysqlHistory
from guestagent.database.mysql.server import MysqlDatabase
from guestagent.database.mysql.server_state import read_source_state as mysql_source
from guestagent.database.protocols import Database, SqlDialect
from guestagent.database.server_version import parse_version
from guestagent.database.sql_statement import sql
from guestagent.database.state import SourceState
from guestagent.errors import DatabaseRefused, DatabaseUnsupported

VERSION_VARIABLES = sql(
    "SHOW GLOBAL VARIABLES WHERE Variable_name IN"
    " ('version', 'version_comment', 'wsrep_on', 'group_replication_group_name')"
)


@dataclass(frozen=True, slots=True)
class DatabaseFamily:
    """All that a family has. `oldest`: the first version that we can keep; `nothing`: the history of a new server.

    `stamps`: from the binary log, when the transactions between two histories were made, without those of a third.
    """

    name: str
    min_version: tuple[int, ...]
    build_dialect: Callable[[], SqlDialect]
    build_database: Callable[[Connection], Database]
    read_source_state: Callable[[Connection], SourceState]
    empty_history: GtidHistory
    read_timestamps: Callable[
        [Connection, GtidHistory, GtidHistory, GtidHistory | None], Iterator[tuple[str, int]]
    ]


FAMILIES = {
    "mariadb": DatabaseFamily(
        "MariaDB",
        (10, 6),
        mariadb.MariadbDialect,
        MariadbDatabase,
        mariadb_source,
        MariadbHistory(),
        mariadb_stamps,
    ),
    # 8.0.22 speaks of replicas, 8.0.23 of sources.
    "mysql": DatabaseFamily(
        "MySQL", (8, 0, 23), mysql.MysqlDialect, MysqlDatabase, mysql_source, MysqlHistory(), mysql_stamps
    ),
}

UNSUPPORTED_SERVERS = {
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
    connection = connect_socket(socket, user, timeout)
    try:
        return detect_family(connection).build_database(connection)
    except (DatabaseRefused, DatabaseUnsupported):
        connection.close()
        raise


def read_source_state(connection: Connection) -> SourceState:
    """What its own family reads of the server behind `connection`."""
    return detect_family(connection).read_source_state(connection)


@translate_malformed_response("looking at who answers")
def detect_family(connection: Connection) -> DatabaseFamily:
    """Return the family of the server behind `connection`. DatabaseUnsupported, unless it is one that we can keep."""
    rows = connection.fetch_rows(VERSION_VARIABLES, "looking at who answers")
    return choose_family({str(row["Variable_name"]): row["Value"] or "" for row in rows})


def choose_family(seen: Mapping[str, str]) -> DatabaseFamily:
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
    for word, stranger in UNSUPPORTED_SERVERS.items():
        if word in words:
            raise DatabaseUnsupported(f"the server is {stranger} ({version})")
    found = FAMILIES["mariadb" if "mariadb" in words else "mysql"]
    if parse_version(version) < found.min_version:
        oldest = ".".join(map(str, found.min_version))
        raise DatabaseUnsupported(f"{found.name} {version} is too old: {oldest} is the oldest supported")
    return found
