"""An HTTP server on a free port of loopback, in threads of the test's own process."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SHUTDOWN_POLL_INTERVAL_S = 0.01


class SilentHandler(BaseHTTPRequestHandler):
    """A request handler that logs nothing."""

    def read_body(self) -> bytes:
        return self.rfile.read(int(self.headers["Content-Length"]))

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serve_requests(handler: type[SilentHandler], tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """Yield the port; stop the server after the block."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(SHUTDOWN_POLL_INTERVAL_S,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
