"""A proxy before a service that cuts answers: the request has its effect, and the client does not learn of it."""

from __future__ import annotations

import http.client
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

HOST = "127.0.0.1"
UPSTREAM_TIMEOUT_S = 300.0
CHANCE = 0.4
"""Of an answer to be cut, among those to requests that change something."""
HOP_HEADERS = frozenset({"connection", "transfer-encoding", "content-length", "keep-alive"})


@dataclass
class AnswerCuts:
    """Decides which answers are cut: at random, until there were so many."""

    limit: int
    seed: int
    cut: list[str] = field(default_factory=list)
    """The requests whose answers were cut."""

    def __post_init__(self) -> None:
        self._random, self._lock = random.Random(self.seed), threading.Lock()

    def decide(self, method: str, path: str) -> bool:
        """Return whether the answer to this request is cut."""
        with self._lock:
            is_cut = method != "GET" and len(self.cut) < self.limit and self._random.random() < CHANCE
            if is_cut:
                self.cut.append(f"{method} {path}")
        return is_cut


@contextmanager
def cut_answers(url: str, cuts: AnswerCuts) -> Iterator[str]:
    """Yield the address by which clients reach the service at `url`."""
    upstream = urlsplit(url)

    class CuttingHandler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_request(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            status, headers, body = _forward(
                upstream.netloc, self.command, self.path, dict(self.headers), self.rfile.read(length)
            )
            if cuts.decide(self.command, self.path):
                self.close_connection = True
                return
            with suppress(BrokenPipeError, ConnectionResetError):  # the service was killed, or gave up
                self.send_response(status)
                for name, value in headers:
                    if name.lower() not in HOP_HEADERS:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def __getattr__(self, name: str) -> Callable[[], None]:
            """All methods are alike."""
            if name.startswith("do_"):
                return self.handle_request
            raise AttributeError(name)

        def log_message(self, format: str, *args: object) -> None:
            """The cuts are recorded, and nothing else."""

    with ThreadingHTTPServer((HOST, 0), CuttingHandler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://{HOST}:{server.server_port}{upstream.path}"
        finally:
            server.shutdown()
            thread.join()


def _forward(
    netloc: str, method: str, path: str, headers: dict[str, str], body: bytes
) -> tuple[int, list[tuple[str, str]], bytes]:
    connection = http.client.HTTPConnection(netloc, timeout=UPSTREAM_TIMEOUT_S)
    try:
        connection.request(method, path, body or None, {**headers, "Host": netloc, "Connection": "close"})
        response = connection.getresponse()
        return response.status, response.getheaders(), response.read()
    finally:
        connection.close()
