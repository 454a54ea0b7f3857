"""Lets one thread of a process write at a time. It writes for all that wait, so they share one wait for the disk.

SQLite lets one connection write, and has the others sleep, for up to 100 ms each. Here they stand in a line: none of
them is overtaken, however fast the others come back.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from sqlalchemy import Connection

from guestagent.errors import StorageError

T = TypeVar("T")
GROUP_LIMIT = 32
"""Writes in one transaction. Those that come later are the next one's."""


class QueuedWrite(Generic[T]):
    """A thread's write, and how it ended: with a result or an error."""

    def __init__(self, action: Callable[[Connection], T]) -> None:
        self.action = action
        self.woken = threading.Event()
        """Set when the write has ended, and when it is its own thread's turn to write."""
        self.has_ended = False
        self._result: T | None = None
        self._error: Exception | None = None

    def end(self, result: T | None, error: Exception | None = None) -> None:
        """Note how it ended, which its thread learns when it is woken."""
        self.has_ended, self._result, self._error = True, result, error

    def get_result(self) -> T:
        """Return the result, or raise the error."""
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value] # it is a T now, which may be None


WriteGroup = Sequence[QueuedWrite[object]]


class WriteQueue:
    """The writes of a process that wait. `execute` executes some of them together, and ends each of them."""

    def __init__(self, execute: Callable[[WriteGroup], None], place: str, limit_s: float) -> None:
        self._execute, self._place, self._limit_s = execute, place, limit_s
        self._lock = threading.Lock()
        self._waiting: deque[QueuedWrite[object]] = deque()
        self._is_writing = False

    def run(self, write: QueuedWrite[T]) -> T:
        """Return the result of a write, or raise its error. Raise StorageError if its turn does not come in time."""
        with self._lock:
            is_first, self._is_writing = not self._is_writing, True
            self._waiting.append(write)  # type: ignore[arg-type] # its result is returned here alone
        if not is_first:
            self._await(write)
        while not write.has_ended:
            self._execute_next()
        return write.get_result()

    def _await(self, write: QueuedWrite[T]) -> None:
        """Return when the write has ended, or when it is this thread's turn."""
        if write.woken.wait(self._limit_s):
            return
        with self._lock:
            is_waiting = write in self._waiting and not write.woken.is_set()
            if is_waiting:
                self._waiting.remove(write)  # type: ignore[arg-type]
        if is_waiting:
            raise StorageError(
                f"{self._place}: other threads have been writing for {self._limit_s:g} s; try again later"
            )
        write.woken.wait()  # its transaction has begun

    def _execute_next(self) -> None:
        """Execute this thread's write, which is the first, with those behind it. Then it is the next one's turn."""
        with self._lock:
            group = [self._waiting.popleft() for _ in range(min(len(self._waiting), GROUP_LIMIT))]
        try:
            self._execute(group)
        finally:
            with self._lock:
                # The others' writes are not lost if this thread was interrupted.
                self._waiting.extendleft(each for each in reversed(group[1:]) if not each.has_ended)
                self._is_writing = bool(self._waiting)
                if self._waiting:
                    self._waiting[0].woken.set()
            for each in group[1:]:
                if each.has_ended:
                    each.woken.set()
