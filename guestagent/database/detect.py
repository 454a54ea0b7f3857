"""Opening the Database behind a socket: detects the server's family. Only this file knows all families."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from guestagent.database import mariadb, mysql
from guestagent.database.connection import Connection
from guestagent.database.gtid_history import GtidHistory
from guestagent.database.login import connect_socket
from guestagent.database.mariadb.binlog import read_timestamps as read_mariadb_timestamps
from guestagent.database.mariadb.gtid import MariadbHistory
from guestagent.database.mariadb.server import MariadbDatabase
from guestagent.database.mariadb.server_state import read_source_state as read_mariadb_source_state
from guestagent.database.mysql.binlog import read_timestamps as read_mysql_timestamps
from guestagent.database.mysql.gtid import MysqlHistory
from guestagent.database.mysql.server import MysqlDatabase
from guestagent.database.mysql.server_state import read_source_state as read_mysql_source_state
from guestagent.database.protocols import Database, SqlDialect
from guestagent.database.server_version import parse_version
from guestagent.database.sql_statement import sql
from guestagent.database.state import SourceState
from guestagent.database.unsupported_response import translate_malformed_response
from guestagent.errors import DatabaseRefused, DatabaseUnsupported

DETECT_OPERATION = "detecting the server's family"
VERSION_VARIABLES = sql(
    "SHOW GLOBAL VARIABLES WHERE Variable_name IN"
    " ('version', 'version_comment', 'wsrep_on', 'group_replication_group_name')"
)


@dataclass(frozen=True, slots=True)
class DatabaseFamily:
    """A family of servers. `min_version`: the oldest supported one; `empty_history`: the history of a new server.

    `read_timestamps`: reads when the transactions between two histories were made, without those of a third.
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
        read_mariadb_source_state,
        MariadbHistory(),
        read_mariadb_timestamps,
    ),
    # REPLICA in statements is from 8.0.22, SOURCE from 8.0.23.
    "mysql": DatabaseFamily(
        "MySQL",
        (8, 0, 23),
        mysql.MysqlDialect,
        MysqlDatabase,
        read_mysql_source_state,
        MysqlHistory(),
        read_mysql_timestamps,
    ),
}

UNSUPPORTED_SERVERS = {
    "percona": "Percona Server: not tested, so not supported",
    "xtradb": "Percona Server: not tested, so not supported",
    "tidb": "TiDB, which only has MySQL's protocol",
    "vitess": "Vitess, which only has MySQL's protocol",
    "-cluster": "a node of an NDB cluster: that is not supported",
}
"""By a word in the version or the version comment."""


def open_database(socket: str, timeout: float, user: str = "root") -> Database:
    """Open the server behind a local socket, as the system's `user`. `timeout` in seconds, for every query.

    DatabaseUnreachable if it does not respond, DatabaseRefused if it rejects the login, DatabaseUnsupported if the
    server is not supported.
    """
    connection = connect_socket(socket, user, timeout)
    try:
        return detect_family(connection).build_database(connection)
    except (DatabaseRefused, DatabaseUnsupported):
        connection.close()
        raise


def read_source_state(connection: Connection) -> SourceState:
    """Read the state of a source of any family."""
    return detect_family(connection).read_source_state(connection)


@translate_malformed_response(DETECT_OPERATION)
def detect_family(connection: Connection) -> DatabaseFamily:
    """Return the family of the server behind `connection`. DatabaseUnsupported if it is not supported."""
    rows = connection.fetch_rows(VERSION_VARIABLES, DETECT_OPERATION)
    return choose_family({str(row["Variable_name"]): row["Value"] or "" for row in rows})


def choose_family(variables: Mapping[str, str]) -> DatabaseFamily:
    """Return the family of a server with these variables. DatabaseUnsupported if the server is not supported."""
    version = variables.get("version") or "unknown"
    description = f"{version} {variables.get('version_comment')}".lower()
    if variables.get("wsrep_on") == "ON":
        raise DatabaseUnsupported(
            "the server is a node of a Galera cluster (wsrep_on): that is not supported"
        )
    if variables.get("group_replication_group_name"):
        raise DatabaseUnsupported(
            "the server is a member of a replication group (group_replication_group_name): that is not supported"
        )
    for word, product in UNSUPPORTED_SERVERS.items():
        if word in description:
            raise DatabaseUnsupported(f"the server is {product} ({version})")
    family = FAMILIES["mariadb" if "mariadb" in description else "mysql"]
    if parse_version(version) < family.min_version:
        min_version = ".".join(map(str, family.min_version))
        raise DatabaseUnsupported(
            f"{family.name} {version} is too old: {min_version} is the oldest supported"
        )
    return family
