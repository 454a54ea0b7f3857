"""Kills of a service at random moments, each followed by a new process, while orders are carried out."""

from __future__ import annotations

import random
import signal
import threading

from tests.support.served_manager import ServedManager

LIFE_S = (0.2, 3.0)
"""A process lives for so long, at least and at most, after it is ready."""


class RandomKills:
    """Kills and starts a service until there were so many kills. Then the last process is left to its work."""

    def __init__(self, service: ServedManager, count: int, seed: int) -> None:
        self._service, self._count, self._random = service, count, random.Random(seed)
        self._thread = threading.Thread(target=self._run)
        self.kills = 0
        self.error: BaseException | None = None

    def __enter__(self) -> RandomKills:
        if self._service.process is None:
            self._service.start()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._count = 0
        self._thread.join()
        if self.error is not None:
            raise self.error

    @property
    def is_over(self) -> bool:
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while self.kills < self._count:
                threading.Event().wait(self._random.uniform(*LIFE_S))
                self._service.stop(signal.SIGKILL)
                self.kills += 1
                self._service.start()
        except (AssertionError, OSError) as error:
            self.error = error
