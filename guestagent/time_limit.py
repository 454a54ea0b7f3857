"""A time limit for a whole exchange with another program.

A socket's own timeout restarts with each byte that arrives. A peer that sends a byte now and then can extend the
exchange for ever: in a greeting, in HTTP headers, in an endless series of `100 Continue`. This limit shuts the
connection down, whatever layer is reading it at that time: a proxy's answer, TLS, or the protocol.
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
    """An exchange that was not complete in time."""


class TimeLimit:
    """The connections of one exchange, which end together. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._streams: list[socket.socket] = []
        self._is_expired = False

    @property
    def has_ended_connection(self) -> bool:
        with self._lock:
            return self._is_expired and bool(self._streams)

    def add_connection(self, stream: socket.socket) -> None:
        """Shut this connection down at the limit, too. Its owner may wrap or close it at any time."""
        if stream.fileno() < 0:  # closed
            return
        # A duplicate: TLS takes over the socket's descriptor, and the number of a closed one may be in use again.
        duplicate = socket.socket(fileno=os.dup(stream.fileno()))
        with self._lock:
            self._streams.append(duplicate)
            if self._is_expired:
                _shut_down(duplicate)

    def expire(self) -> None:
        """Shut down every connection, and each that is added later."""
        with self._lock:
            self._is_expired = True
            for stream in self._streams:
                _shut_down(stream)

    def close(self) -> None:
        """Close the duplicates. The connections remain as they are."""
        with self._lock:
            for stream in self._streams:
                stream.close()
            self._streams.clear()


@contextmanager
def limit_time(seconds: float, *streams: socket.socket) -> Iterator[TimeLimit]:
    """Shut down the connections after `seconds`, and raise TimeLimitExceeded at the end of the block.

    It is raised even if the block has no error: an answer that ends with its connection only seems to be complete.
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
        is_exceeded = limit.has_ended_connection
        limit.close()
    if is_exceeded:
        raise TimeLimitExceeded(f"no complete answer in {seconds:.3g} s") from None


class _Alarms:
    """One thread for all limits of the process. The first limit starts it; it sleeps until the next limit is due."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._deadlines: dict[TimeLimit, float] = {}
        self._wakeup_time = -math.inf
        self._thread: threading.Thread | None = None

    def set(self, limit: TimeLimit, deadline: float) -> None:
        with self._condition:
            self._deadlines[limit] = deadline
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="time limits", daemon=True)
                self._thread.start()
            elif deadline < self._wakeup_time:  # rare: most limits are as long as the one before
                self._condition.notify()

    def cancel(self, limit: TimeLimit) -> None:
        with self._condition:
            self._deadlines.pop(limit, None)

    def _run(self) -> None:
        with self._condition:
            while True:
                now = time.monotonic()
                for limit in [limit for limit, deadline in self._deadlines.items() if deadline <= now]:
                    del self._deadlines[limit]
                    limit.expire()
                self._wakeup_time = min(self._deadlines.values(), default=math.inf)
                self._condition.wait(
                    None if self._wakeup_time == math.inf else max(0.0, self._wakeup_time - now)
                )


_ALARMS = _Alarms()


def _shut_down(stream: socket.socket) -> None:
    with suppress(OSError):  # the peer has closed it already
        stream.shutdown(socket.SHUT_RDWR)
