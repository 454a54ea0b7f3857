"""One reader of the stack list for all who wait: a hundred stacks side by side, and one poll."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

POLL_INTERVAL_S = 0.2

Rows = list[Mapping[str, Any]]


class StackListReader:
    """Reads the list in a thread of its own, and only while somebody asks."""

    def __init__(self, read: Callable[[], Rows]) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._next: Future[Rows] = Future()
        self._asked, self._closed = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work, name="stack list", daemon=True)
        self._thread.start()

    def read_rows(self) -> Rows:
        """A list that is asked for after this call: it holds all that was true before it."""
        with self._lock:
            coming = self._next
            self._asked.set()
        return coming.result(60)

    def close(self) -> None:
        self._closed.set()
        self._asked.set()
        self._thread.join(60)

    def _work(self) -> None:
        while self._asked.wait() and not self._closed.is_set():
            with self._lock:
                coming, self._next = self._next, Future()
                self._asked.clear()
            try:
                coming.set_result(self._read())
            except BaseException as error:  # noqa: BLE001 - it belongs to whoever asked
                coming.set_exception(error)
            self._closed.wait(POLL_INTERVAL_S)
