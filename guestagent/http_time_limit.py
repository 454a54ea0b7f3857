"""Time limits for whole HTTP exchanges of the requests library, which itself has a timeout only for each read."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from guestagent.time_limit import TimeLimit, limit_time

_LIMITS: dict[int, TimeLimit] = {}
"""The present limit of each thread, by the thread's number."""


@contextmanager
def limit_http_time(seconds: float) -> Iterator[None]:
    """Limit the time of all exchanges of this thread in the block. Raises TimeLimitExceeded.

    It covers the sessions that were given to `limit_connections`.
    """
    thread = threading.get_ident()
    with limit_time(seconds) as limit:
        _LIMITS[thread] = limit
        try:
            yield
        finally:
            del _LIMITS[thread]


def abort_exchange(thread: int | None) -> None:
    """End the present exchange of another thread, if there is one, as if its time limit were over."""
    limit = None if thread is None else _LIMITS.get(thread)
    if limit is not None:
        limit.expire()


def limit_connections(session: Any) -> None:
    """Put every connection that a requests.Session opens or reuses under the time limit of its thread.

    An adapter without connections (one of a test, for example) is left as it is.
    """
    for adapter in session.adapters.values():
        if hasattr(adapter, "poolmanager"):
            _limit_pools(adapter.poolmanager)
            adapter.proxy_manager_for = partial(_make_proxy_manager, adapter.proxy_manager_for)


def _make_proxy_manager(make: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    return _limit_pools(make(*arguments, **options))


def _limit_pools(manager: Any) -> Any:
    """Replace the classes with which a pool manager creates its pools, unless they were replaced before."""
    classes = manager.pool_classes_by_scheme
    manager.pool_classes_by_scheme = {
        scheme: _build_limited_class(pool_class) for scheme, pool_class in classes.items()
    }
    return manager


def _build_limited_class(pool_class: Any) -> Any:
    connection_class = pool_class.ConnectionCls
    if issubclass(connection_class, _LimitedConnection):
        return pool_class
    limited_class = type(f"Limited{connection_class.__name__}", (_LimitedConnection, connection_class), {})
    return type(f"Limited{pool_class.__name__}", (pool_class,), {"ConnectionCls": limited_class})


class _LimitedConnection:
    """A mixin for the connection classes of urllib3."""

    sock: socket.socket | None

    def _new_conn(self) -> Any:
        """Return a connection that is limited before a proxy or TLS uses it: both can be slow, too."""
        stream = super()._new_conn()  # type: ignore[misc]
        _limit_stream(stream)
        return stream

    def putrequest(self, *arguments: Any, **options: Any) -> Any:
        if self.sock is not None:
            _limit_stream(self.sock)
        return super().putrequest(*arguments, **options)  # type: ignore[misc]


def _limit_stream(stream: socket.socket) -> None:
    limit = _LIMITS.get(threading.get_ident())
    if limit is not None:
        limit.add_connection(stream)
