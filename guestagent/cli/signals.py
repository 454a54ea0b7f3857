"""Orderly interruption of a command by Ctrl-C, by SIGTERM, or because the terminal was closed."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class InterruptHandler:
    """Turns the first SIGINT, SIGTERM or SIGHUP into a KeyboardInterrupt, and ignores the others during the cleanup."""

    def __init__(self) -> None:
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        self._former_handlers = {number: signal.getsignal(number) for number in numbers}
        self._is_deferring, self._is_pending = False, False

    def __enter__(self) -> InterruptHandler:
        for number, former_handler in self._former_handlers.items():
            if former_handler is not signal.SIG_IGN:  # ignored under nohup, for example
                signal.signal(number, self._handle_signal)
        return self

    def __exit__(self, *_: object) -> None:
        for number, former_handler in self._former_handlers.items():
            signal.signal(number, former_handler)

    @contextmanager
    def defer_interrupts(self) -> Iterator[None]:
        """Raise KeyboardInterrupt only at the end of the block, so that the block is always completed."""
        self._is_deferring = True
        try:
            yield
        finally:
            self._is_deferring = False
        if self._is_pending:
            raise KeyboardInterrupt

    def ignore_interrupts(self) -> None:
        """Ignore the signals from now on."""
        for number in self._former_handlers:
            signal.signal(number, signal.SIG_IGN)

    def _handle_signal(self, number: int, frame: FrameType | None) -> None:
        self.ignore_interrupts()
        if not self._is_deferring:
            raise KeyboardInterrupt
        self._is_pending = True
