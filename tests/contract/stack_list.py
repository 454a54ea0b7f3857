"""One reader of the stack list for all waits: a hundred stacks share one poll."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

POLL_INTERVAL_S = 0.2

Rows = list[Mapping[str, Any]]


class StackListReader:
    """Reads the list in its own thread, and only on request."""

    def __init__(self, read: Callable[[], Rows]) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._next: Future[Rows] = Future()
        self._is_requested, self._is_closed = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._read_repeatedly, name="stack list", daemon=True)
        self._thread.start()

    def read_rows(self) -> Rows:
        """Return a list that was requested after this call, so that it is at least as new."""
        with self._lock:
            future = self._next
            self._is_requested.set()
        return future.result(60)

    def close(self) -> None:
        self._is_closed.set()
        self._is_requested.set()
        self._thread.join(60)

    def _read_repeatedly(self) -> None:
        while self._is_requested.wait() and not self._is_closed.is_set():
            with self._lock:
                future, self._next = self._next, Future()
                self._is_requested.clear()
            try:
                future.set_result(self._read())
            except BaseException as error:  # noqa: BLE001 - read_rows raises it
                future.set_exception(error)
            self._is_closed.wait(POLL_INTERVAL_S)
