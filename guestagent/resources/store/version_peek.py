"""Reads the versions of clusters in a file of SQLite at once: on a connection of its own, and without waiting.

Each node reads its document every few seconds, and most find it unchanged. A transaction and a thread for each of these
questions would be most of the work of a service at rest.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from threading import Lock

from guestagent.errors import StorageError
from guestagent.resources.store.operation_rules import build_version
from guestagent.resources.store.sqlite_file import OpenedFile

_SELECT_VERSION = "SELECT id, lease_owner, news FROM clusters WHERE name = ?"


class VersionPeek:
    """The versions in a file, which exists and has its tables. Threads may share it. Nothing is opened yet."""

    def __init__(self, path: Path) -> None:
        self._path, self._file = path, OpenedFile(path)
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None
        self._is_closed = False

    def read(self, cluster: str) -> str | None:
        """Return what `OrderStore.peek_version` does. Any error is None: whoever asks the store itself is told."""
        with self._lock, contextlib.suppress(sqlite3.Error, StorageError):
            if self._is_closed:
                return None
            self._file.require_in_place()
            if self._connection is None:
                self._connection = _connect(self._path)
            row = self._connection.execute(_SELECT_VERSION, (cluster,)).fetchone()
            if row is not None:
                cluster_id, lease_owner, news = row
                return build_version(cluster_id, news, has_worker=bool(lease_owner))
        return None

    def close(self) -> None:
        """Close the connection for good."""
        with self._lock:
            self._is_closed = True
            if self._connection is not None:
                self._connection.close()
                self._connection = None


def _connect(path: Path) -> sqlite3.Connection:
    """Open the file for reading. It is never waited for: a lock of another one is an error at once."""
    return sqlite3.connect(
        f"{path.as_uri()}?mode=rw", uri=True, timeout=0, isolation_level=None, check_same_thread=False
    )
