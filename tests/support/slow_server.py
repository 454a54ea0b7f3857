"""A server that answers in time and never to the end: byte after byte, before any timeout between two of them.

`python -m tests.support.slow_server ADDRESS PORT` is such a database server, until its input ends.
"""

from __future__ import annotations

import itertools
import socket
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

PAUSE_S = 0.05


@contextmanager
def open_slow_server(
    first: bytes, then: Iterable[bytes] = (b".",), host: str = "127.0.0.1", port: int = 0
) -> Iterator[int]:
    """The port of a server that sends `first` to whoever connects, and then the pieces of `then` over and over."""
    ended = threading.Event()

    def answer(stream: socket.socket) -> None:
        with stream, suppress(OSError):
            stream.sendall(first)
            for piece in itertools.cycle(then):
                if ended.wait(PAUSE_S):
                    return
                stream.sendall(piece)

    def listen() -> None:
        with suppress(OSError):
            while True:
                stream, _ = listener.accept()
                threading.Thread(target=answer, args=(stream,), daemon=True).start()

    with socket.create_server((host, port)) as listener:
        threading.Thread(target=listen, daemon=True).start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            ended.set()
            listener.shutdown(socket.SHUT_RDWR)


if __name__ == "__main__":
    with open_slow_server(b"\xff\xff\0\0\x0a", host=sys.argv[1], port=int(sys.argv[2])):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.read()
