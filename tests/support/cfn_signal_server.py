"""A host of handles on a real socket, which answers every PUT as it is told."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from guestagent.metadata.document import CfnHandle
from guestagent.secret import Secret

SIGNATURE = "c2lnbmF0dXJl"
PATH = "/v1/waitcondition/arn%3Aopenstack%3Aheat%3A%3Ap%3Astacks/s/1/resources/Handle"
QUERY = f"SignatureMethod=HmacSHA256&Timestamp=2026-11-23T18%3A00%3A00Z&Signature={SIGNATURE}%2B%3D"
ACCEPTED_BODY = b"<resource>Handle</resource>"


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """One request; `at` is when it had come (monotonic)."""

    request_line: str
    headers: Mapping[str, str]
    body: bytes
    received_at: float = field(default_factory=time.monotonic)


@dataclass(slots=True)
class CfnSignalServer:
    """`reply` is (status, headers, body); `heard` are the requests so far."""

    address: str
    reply: tuple[int, Mapping[str, str], bytes] = (200, {}, ACCEPTED_BODY)
    requests: list[ReceivedRequest] = field(default_factory=list)

    @property
    def handle(self) -> CfnHandle:
        return build_handle(self.address)


def build_handle(address: str) -> CfnHandle:
    return CfnHandle(Secret(f"{address}{PATH}?{QUERY}"))


@contextmanager
def open_signal_server(tls: ssl.SSLContext | None = None) -> Iterator[CfnSignalServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.requests.append(ReceivedRequest(self.requestline, dict(self.headers), body))
            status, headers, content = server.reply
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    bound = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    bound.daemon_threads = True
    if tls is not None:
        bound.socket = tls.wrap_socket(bound.socket, server_side=True)
    server = CfnSignalServer(f"{'http' if tls is None else 'https'}://127.0.0.1:{bound.server_port}")
    thread = threading.Thread(target=bound.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        bound.shutdown()
        thread.join()
        bound.server_close()
