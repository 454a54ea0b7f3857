"""A limit over a whole exchange with another program.

A socket's own timeout begins anew with each byte that arrives. Whoever sends a byte now and then holds the exchange
for ever: in a greeting, in HTTP headers, in an endless row of `100 Continue`. Here the connection is shut down at the
limit, whatever layer reads it at that time: a proxy's answer, TLS, or the protocol.
"""

from __future__ import annotations

import math
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class TimeLimitExceeded(TimeoutError):
    """The exchange was not complete in time."""


class TimeLimit:
    """The connections of one exchange, which end together. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._streams: list[socket.socket] = []
        self._is_over = False

    @property
    def has_ended_connection(self) -> bool:
        with self._lock:
            return self._is_over and bool(self._streams)

    def add_connection(self, stream: socket.socket) -> None:
        """Shut this connection down at the limit, too. It may be wrapped or closed by its owner at any time."""
        if stream.fileno() < 0:  # closed
            return
        # A handle of our own: TLS takes the socket's, and a number that was closed may be somebody else's by then.
        own = socket.socket(fileno=os.dup(stream.fileno()))
        with self._lock:
            self._streams.append(own)
            if self._is_over:
                _shut_down(own)

    def expire(self) -> None:
        """Shut down every connection, and each that is still to come."""
        with self._lock:
            self._is_over = True
            for stream in self._streams:
                _shut_down(stream)

    def close(self) -> None:
        """Give up the handles. The connections stay as they are."""
        with self._lock:
            for stream in self._streams:
                stream.close()
            self._streams.clear()


@contextmanager
def limit_time(seconds: float, *streams: socket.socket) -> Iterator[TimeLimit]:
    """Shut down the watched connections after `seconds`. Raises TimeLimitExceeded at the end of the block then.

    It does so without an error in the block, too: an answer that ends with its connection only seems to be complete.
    """
    limit = TimeLimit()
    for stream in streams:
        limit.add_connection(stream)
    _ALARMS.set(limit, time.monotonic() + seconds)
    try:
        yield limit
    except Exception:
        _ALARMS.cancel(limit)
        if not limit.has_ended_connection:
            raise
    finally:
        _ALARMS.cancel(limit)
        exceeded = limit.has_ended_connection
        limit.close()
    if exceeded:
        raise TimeLimitExceeded(f"no complete answer in {seconds:.3g} s") from None


class _Alarms:
    """One thread for all limits of the process. It is started by the first one, and sleeps until the next is due."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._due: dict[TimeLimit, float] = {}
        self._wakes_at = -math.inf
        self._thread: threading.Thread | None = None

    def set(self, limit: TimeLimit, at: float) -> None:
        with self._changed:
            self._due[limit] = at
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="time limits", daemon=True)
                self._thread.start()
            elif at < self._wakes_at:  # rare: most limits are as long as the one before
                self._changed.notify()

    def cancel(self, limit: TimeLimit) -> None:
        with self._changed:
            self._due.pop(limit, None)

    def _run(self) -> None:
        with self._changed:
            while True:
                now = time.monotonic()
                for limit in [limit for limit, at in self._due.items() if at <= now]:
                    del self._due[limit]
                    limit.expire()
                self._wakes_at = min(self._due.values(), default=math.inf)
                self._changed.wait(None if self._wakes_at == math.inf else max(0.0, self._wakes_at - now))


_ALARMS = _Alarms()


def _shut_down(stream: socket.socket) -> None:
    with suppress(OSError):  # the other side was faster
        stream.shutdown(socket.SHUT_RDWR)
