"""Being interrupted in an orderly way: by Ctrl-C, by SIGTERM, or because the terminal has gone."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class InterruptHandler:
    """SIGINT, SIGTERM and SIGHUP as one KeyboardInterrupt: what tidies up after the first is not interrupted."""

    def __init__(self) -> None:
        heard = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        self._before = {number: signal.getsignal(number) for number in heard}
        self._back, self._pending = False, False

    def __enter__(self) -> InterruptHandler:
        for number, before in self._before.items():
            if before is not signal.SIG_IGN:  # as under nohup
                signal.signal(number, self._heard)
        return self

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    @contextmanager
    def defer_interrupts(self) -> Iterator[None]:
        """What comes in between waits for the end of the block: it leaves nothing half made."""
        self._back = True
        try:
            yield
        finally:
            self._back = False
        if self._pending:
            raise KeyboardInterrupt

    def ignore_interrupts(self) -> None:
        """From now on."""
        for number in self._before:
            signal.signal(number, signal.SIG_IGN)

    def _heard(self, number: int, frame: FrameType | None) -> None:
        self.ignore_interrupts()
        if not self._back:
            raise KeyboardInterrupt
        self._pending = True
