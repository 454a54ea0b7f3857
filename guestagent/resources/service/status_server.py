"""Serves /healthz and /metrics over HTTP, in clear, with no secrets in them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from guestagent.errors import UnsupportedEnvironment
from guestagent.resources.service.settings import ListenAddress

REQUEST_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class StatusPage:
    """A page as it is now."""

    status: int
    content_type: str
    body: bytes


class StatusServer:
    """The server in a thread of its own. Each page is built for each request."""

    def __init__(self, address: ListenAddress, pages: Mapping[str, Callable[[], StatusPage]]) -> None:
        self._address, self._pages = address, pages
        self._server: ThreadingHTTPServer | None = None

    def open(self) -> None:
        """Start to serve. Raise UnsupportedEnvironment if the address is in use or not here."""
        try:
            self._server = _build_server(self._address, self._pages)
        except OSError as error:
            raise UnsupportedEnvironment(
                f"nothing can listen on {self._address}, for [metrics] listen: {error.strerror}"
            ) from error
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, name="status", daemon=True
        ).start()

    def close(self) -> None:
        """Stop to serve."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()


def _build_server(
    address: ListenAddress, pages: Mapping[str, Callable[[], StatusPage]]
) -> ThreadingHTTPServer:
    class StatusHandler(BaseHTTPRequestHandler):
        timeout = REQUEST_TIMEOUT_S
        server_version, sys_version = "guestagent", ""

        def do_GET(self) -> None:
            build_page = pages.get(self.path.partition("?")[0])
            missing = StatusPage(404, "text/plain; charset=utf-8", b"not found\n")
            page = missing if build_page is None else build_page()
            self.send_response(page.status)
            self.send_header("Content-Type", page.content_type)
            self.send_header("Content-Length", str(len(page.body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(page.body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Log no requests: there is one every few seconds."""

    class ThreadsServer(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Ignore a client that has gone."""

    return ThreadsServer((address.host, address.port), StatusHandler)
