"""A server that sends its response byte by byte, within any timeout between two bytes, but never to the end.

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
    """Yield the port of a server that sends `first` to each client, and then the pieces of `then` repeatedly."""
    is_closed = threading.Event()

    def respond(stream: socket.socket) -> None:
        with stream, suppress(OSError):
            stream.sendall(first)
            for piece in itertools.cycle(then):
                if is_closed.wait(PAUSE_S):
                    return
                stream.sendall(piece)

    def listen() -> None:
        with suppress(OSError):
            while True:
                stream, _ = listener.accept()
                threading.Thread(target=respond, args=(stream,), daemon=True).start()

    with socket.create_server((host, port)) as listener:
        threading.Thread(target=listen, daemon=True).start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            is_closed.set()
            listener.shutdown(socket.SHUT_RDWR)


if __name__ == "__main__":
    with open_slow_server(b"\xff\xff\0\0\x0a", host=sys.argv[1], port=int(sys.argv[2])):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.read()
