"""A server of CloudFormation wait condition handles: it records every PUT and gives the reply that the test chose."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from guestagent.metadata.document import CfnHandle
from guestagent.secret import Secret
from tests.support.http_server import SilentHandler, serve_requests

SIGNATURE = "c2lnbmF0dXJl"
PATH = "/v1/waitcondition/arn%3Aopenstack%3Aheat%3A%3Ap%3Astacks/s/1/resources/Handle"
QUERY = f"SignatureMethod=HmacSHA256&Timestamp=2026-11-23T18%3A00%3A00Z&Signature={SIGNATURE}%2B%3D"
ACCEPTED_BODY = b"<resource>Handle</resource>"


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """One request, and when it was received (monotonic seconds)."""

    request_line: str
    headers: Mapping[str, str]
    body: bytes
    received_at: float = field(default_factory=time.monotonic)


@dataclass(slots=True)
class CfnSignalServer:
    """`reply` is status, headers and body; `requests` are those received so far."""

    address: str
    reply: tuple[int, Mapping[str, str], bytes] = (200, {}, ACCEPTED_BODY)
    requests: list[ReceivedRequest] = field(default_factory=list)

    @property
    def handle(self) -> CfnHandle:
        return build_handle(self.address)


def build_handle(address: str) -> CfnHandle:
    """Build a pre-signed handle URL at this address."""
    return CfnHandle(Secret(f"{address}{PATH}?{QUERY}"))


@contextmanager
def open_signal_server(tls: ssl.SSLContext | None = None) -> Iterator[CfnSignalServer]:
    """Serve over HTTP, or over HTTPS if a TLS context is passed."""

    class Handler(SilentHandler):
        def do_PUT(self) -> None:  # noqa: N802 - http.server calls it
            server.requests.append(ReceivedRequest(self.requestline, dict(self.headers), self.read_body()))
            status, headers, content = server.reply
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

    server = CfnSignalServer(address="")
    with serve_requests(Handler, tls) as port:
        server.address = f"{'http' if tls is None else 'https'}://127.0.0.1:{port}"
        yield server
