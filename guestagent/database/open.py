"""From a socket to a Database: looks at who answers and picks the family, which only this file knows."""

from __future__ import annotations

import re
from collections.abc import Mapping

from guestagent.database.connection import Connection, over_socket
from guestagent.database.edge import Database
from guestagent.database.mariadb.server import Mariadb, source_state
from guestagent.database.sql import sql
from guestagent.database.state import SourceState
from guestagent.errors import DatabaseRefused, DatabaseUnsupported

OLDEST_MARIADB = (10, 6)

WHO = sql("SHOW GLOBAL VARIABLES WHERE Variable_name IN ('version', 'version_comment', 'wsrep_on')")


def open_database(socket: str, timeout: float, user: str = "root") -> Database:
    """The server behind a local socket, as `user` of this machine. `timeout` in seconds, for every query.

    DatabaseUnreachable where nobody answers, DatabaseRefused where it does not let us in, DatabaseUnsupported
    where it is none of ours.
    """
    connection = over_socket(socket, user, timeout)
    try:
        _admit(connection)
    except (DatabaseRefused, DatabaseUnsupported):
        connection.close()
        raise
    return Mariadb(connection)


def look_at_source(connection: Connection) -> SourceState:
    """What its own family reads of the server behind `connection`."""
    _admit(connection)
    return source_state(connection)


def _admit(connection: Connection) -> None:
    """DatabaseUnsupported, unless it is one that we can keep."""
    rows = connection.rows(WHO, "looking at who answers")
    why = unsupported({str(row["Variable_name"]): row["Value"] or "" for row in rows})
    if why:
        raise DatabaseUnsupported(why)


def unsupported(seen: Mapping[str, str]) -> str:
    """Why a server with these variables is none of ours; "" for a MariaDB that stands for itself."""
    version = seen.get("version") or "unknown"
    if "mariadb" not in f"{version} {seen.get('version_comment')}".lower():
        return f"the server is no MariaDB ({version}): other families are not supported yet"
    numbers = re.match(r"(\d+)\.(\d+)", version)
    if numbers is None or (int(numbers[1]), int(numbers[2])) < OLDEST_MARIADB:
        return f"MariaDB {version} is too old: {'.'.join(map(str, OLDEST_MARIADB))} is the oldest supported"
    if seen.get("wsrep_on") == "ON":
        return "the server is a node of a Galera cluster (wsrep_on): that is not supported"
    return ""
