"""A session on a server that holds a lock for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

import pymysql

from tests.support.database_servers import DatabaseServer


@contextmanager
def hold_locks(server: DatabaseServer, *statements: str) -> Iterator[None]:
    """Execute the statements in an open transaction, and roll it back after the block."""
    session = pymysql.connect(unix_socket=server.socket, user="root", ssl_disabled=True, autocommit=False)
    with closing(session) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        yield
        connection.rollback()
