"""Kills replication connections on a source again and again, so that its replicas have to log in."""

from __future__ import annotations

import threading
from contextlib import closing, suppress

from guestagent.database.login import connect_socket
from guestagent.database.sql_statement import sql
from guestagent.errors import DatabaseError

KILL_INTERVAL_S = 0.9  # a receiver reconnects after one second
BINLOG_DUMPS = sql("SELECT id AS id FROM information_schema.processlist WHERE command LIKE 'Binlog Dump%'")


class DumpKills:
    """Kills until the end of the block. `count` tells how many connections were killed."""

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self._is_done = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.count = 0

    def __enter__(self) -> DumpKills:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_done.set()
        self._thread.join()

    def _run(self) -> None:
        with closing(connect_socket(self._socket, "root", 10)) as source:
            while not self._is_done.wait(KILL_INTERVAL_S):
                for row in source.fetch_rows(BINLOG_DUMPS, "listing binlog dumps"):
                    with suppress(DatabaseError):  # the connection has ended
                        source.fetch_rows(sql("KILL {}", int(str(row["id"]))), "killing a binlog dump")
                        self.count += 1
