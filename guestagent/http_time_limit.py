"""Limits over whole HTTP exchanges for sessions of requests, which know a timeout for each read alone."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from guestagent.time_limit import TimeLimit, limit_time

_LIMITS: dict[int, TimeLimit] = {}
"""The limit under which each thread is, by the thread's number."""


@contextmanager
def limit_http_time(seconds: float) -> Iterator[None]:
    """Limit all that this thread sends and receives through limited sessions within the block.

    Raises TimeLimitExceeded.
    """
    thread = threading.get_ident()
    with limit_time(seconds) as limit:
        _LIMITS[thread] = limit
        try:
            yield
        finally:
            del _LIMITS[thread]


def abort_exchange(thread: int | None) -> None:
    """End what another thread sends or receives now, as if its limit were reached; nothing if it does neither."""
    limit = None if thread is None else _LIMITS.get(thread)
    if limit is not None:
        limit.expire()


def limit_connections(session: Any) -> None:
    """Put every connection that a requests.Session makes or uses again under the time limit of its thread.

    An adapter that makes no connections (a test's own, say) stays as it is.
    """
    for adapter in session.adapters.values():
        if hasattr(adapter, "poolmanager"):
            _limit_pools(adapter.poolmanager)
            adapter.proxy_manager_for = partial(_make_proxy_manager, adapter.proxy_manager_for)


def _make_proxy_manager(make: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    return _limit_pools(make(*arguments, **options))


def _limit_pools(manager: Any) -> Any:
    """Replace the classes with which a pool manager makes its pools; one that was met before has ours already."""
    classes = manager.pool_classes_by_scheme
    manager.pool_classes_by_scheme = {scheme: _limited_pool(pool) for scheme, pool in classes.items()}
    return manager


def _limited_pool(pool: Any) -> Any:
    if issubclass(pool.ConnectionCls, _LimitedConnection):
        return pool
    connection = type(f"Limited{pool.ConnectionCls.__name__}", (_LimitedConnection, pool.ConnectionCls), {})
    return type(f"Limited{pool.__name__}", (pool,), {"ConnectionCls": connection})


class _LimitedConnection:
    """Mixed in before a connection of urllib3."""

    sock: socket.socket | None

    def _new_conn(self) -> Any:
        """The connection before any proxy or TLS: both can be slow, too."""
        stream = super()._new_conn()  # type: ignore[misc]
        _watch(stream)
        return stream

    def putrequest(self, *arguments: Any, **options: Any) -> Any:
        if self.sock is not None:
            _watch(self.sock)
        return super().putrequest(*arguments, **options)  # type: ignore[misc]


def _watch(stream: socket.socket) -> None:
    limit = _LIMITS.get(threading.get_ident())
    if limit is not None:
        limit.add_connection(stream)
