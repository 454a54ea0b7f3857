"""Signals to a service's command: they are noted, and the work ends or reloads at its next safe point."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType


def watch_termination() -> Callable[[], bool]:
    """Handle SIGTERM and SIGINT from now on. Return a function that tells whether one of them has come."""
    received: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, frame: received.append(number))
    return lambda: bool(received)


@contextmanager
def queue_signals(numbers: Sequence[signal.Signals]) -> Iterator[Callable[[], signal.Signals]]:
    """Queue these signals inside the block. Yield a function that waits for the next one.

    They are handled and not blocked: a library's thread that is older than the block would not block them, and the
    kernel would end the process through it.
    """
    reader, writer = socket.socketpair()
    with reader, writer:
        writer.setblocking(False)
        former_descriptor = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        former_handlers = {number: signal.signal(number, _note_in_pipe) for number in numbers}
        try:
            yield lambda: signal.Signals(reader.recv(1)[0])
        finally:
            for number, handler in former_handlers.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(former_descriptor)


def _note_in_pipe(number: int, frame: FrameType | None) -> None:
    """Do nothing: the interpreter has written the number to the wake-up descriptor, in whichever thread."""
