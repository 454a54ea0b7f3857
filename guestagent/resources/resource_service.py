"""The service: workers that work off orders, beside the parts that answer others."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Protocol, runtime_checkable

from guestagent.errors import StorageError
from guestagent.http_time_limit import abort_exchange
from guestagent.resources.engine import ResourceEngine
from guestagent.resources.lease_keeper import RENEWAL_INTERVAL_S, LeaseKeeper
from guestagent.resources.store.protocol import LeaseSource
from guestagent.resources.work_loop import RoundObserver, WorkLoop

LOG = logging.getLogger(__name__)
IDLE_PAUSE_S = 0.2
"""Between two looks of all workers for a cluster that is due: each looks at its turn."""
STORE_PAUSE_S = 5.0
"""After the store could not be read."""
STOP_LIMIT_S = 60.0
CUT_LIMIT_S = 3.0
"""Of these, for the end of rounds that were cut."""


class ServedPart(Protocol):
    """A part that answers others: the endpoint of the guests, the server of the message broker."""

    def open(self) -> None: ...
    def close(self) -> None: ...


@runtime_checkable
class ReloadedPart(Protocol):
    """A part that reads its files again when it is asked to."""

    def reload(self) -> None: ...


class ResourceService:
    """Runs workers in threads, beside the parts that answer. A killed service goes on from the store.

    `name` is shown to people as that of its workers.
    """

    def __init__(
        self,
        store: LeaseSource,
        engines: Mapping[str, ResourceEngine],
        name: str,
        workers: int = 2,
        parts: Sequence[ServedPart] = (),
        observer: RoundObserver | None = None,
        renewal_interval_s: float = RENEWAL_INTERVAL_S,
    ) -> None:
        self._parts = parts
        self._stopping = threading.Event()
        self._keeper = LeaseKeeper(renewal_interval_s)
        loops = [
            WorkLoop(store, engines, f"{name}-{number}", observer, self._keeper) for number in range(workers)
        ]
        # Daemons: a request without an answer must not keep the process.
        self._threads = [
            threading.Thread(target=self._work, args=(loop, number * IDLE_PAUSE_S), daemon=True)
            for number, loop in enumerate(loops)
        ]

    def open(self) -> None:
        """Start everything. If a part cannot start, those that have are stopped again."""
        with ExitStack() as stack:
            for part in self._parts:
                part.open()
                stack.callback(part.close)
            stack.pop_all()
        self._keeper.open()
        for thread in self._threads:
            thread.start()

    def close(self, limit_s: float = STOP_LIMIT_S) -> bool:
        """Take no more orders, end the present rounds, and stop. Return whether everything has ended in time.

        A round that waits for the cloud until then is cut, as by a kill: another worker goes on when its lease is over.
        """
        self._stopping.set()
        closers = [threading.Thread(target=part.close, daemon=True) for part in self._parts]
        for closer in closers:
            closer.start()
        _join_threads([*closers, *self._threads], max(0.0, limit_s - CUT_LIMIT_S))
        for thread in self._threads:
            if thread.is_alive():
                LOG.warning("a request to the cloud takes too long, and is cut")
                abort_exchange(thread.ident)
        has_ended = _join_threads([*closers, *self._threads], min(CUT_LIMIT_S, limit_s))
        self._keeper.close()
        return has_ended

    def reload(self) -> None:
        """Let the parts read those of their files again that can change while they serve."""
        for part in self._parts:
            if isinstance(part, ReloadedPart):
                part.reload()

    @property
    def has_all_workers(self) -> bool:
        """Whether all workers are at work. One that has died of a bug is not replaced."""
        return all(thread.is_alive() for thread in self._threads)

    def _work(self, loop: WorkLoop, first_pause_s: float) -> None:
        self._stopping.wait(first_pause_s)
        while not self._stopping.is_set():
            try:
                pause_s = 0.0 if loop.work_once() else IDLE_PAUSE_S * len(self._threads)
            except StorageError as error:
                LOG.error("the store cannot be used: %s", error)
                pause_s = STORE_PAUSE_S
            self._stopping.wait(pause_s)


def _join_threads(threads: Sequence[threading.Thread], limit_s: float) -> bool:
    """Wait for the end of threads. Return whether all have ended."""
    until = time.monotonic() + limit_s
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    return not any(thread.is_alive() for thread in threads)
