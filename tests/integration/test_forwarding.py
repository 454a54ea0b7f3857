"""The reverse proxy of a real service changes no byte of a request, because signatures cover it."""

from __future__ import annotations

import asyncio
import http.server
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from guestagent.embedded.http.listener import Listener
from guestagent.embedded.real_heat.reverse_proxy import ProxyRequest, ReverseProxy

TARGET = b"/v1/waitcondition/arn%3Aopenstack%3Aheat/stacks/a%20b?Signature=x%2By%3D&Timestamp=2026-01-01T00%3A00%3A00Z"
HEADERS = b"Host: cloud:8000\r\nContent-Length: 4\r\nX-Auth-Token: t\r\nConnection: close"
REQUEST = b"PUT %s HTTP/1.1\r\n" + HEADERS + b"\r\n\r\nbody"


class EchoHandler(http.server.BaseHTTPRequestHandler):
    """Responds with the request that arrived."""

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        text = "\n".join((self.path, self.headers["Host"], self.headers["X-Auth-Token"], body.decode()))
        self.send_response(202)
        self.send_header("X-Own", "kept")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), EchoHandler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


async def send_through_proxy(forwarder: ReverseProxy, request: bytes) -> tuple[bytes, bytes]:
    listener = Listener("127.0.0.1", (0,))
    await listener.open(forwarder)
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    writer.write(request)
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await listener.close()
    return head, body


def test_target_host_headers_and_body_arrive_byte_by_byte(port: int) -> None:
    requests: list[ProxyRequest] = []

    async def record_request(request: ProxyRequest) -> None:
        requests.append(request)

    with ThreadPoolExecutor(2) as executor:
        head, body = asyncio.run(
            send_through_proxy(ReverseProxy(port, executor, record_request), REQUEST % TARGET)
        )

    assert body == TARGET + b"\ncloud:8000\nt\nbody"
    assert head.startswith(b"HTTP/1.1 202")
    assert b"x-own: kept" in head
    assert [(request.method, request.target) for request in requests] == [("PUT", TARGET.decode())]


def test_a_service_that_does_not_answer_is_an_empty_503() -> None:
    with ThreadPoolExecutor(2) as executor:
        head, body = asyncio.run(send_through_proxy(ReverseProxy(1, executor), REQUEST % b"/"))

    assert (head.split()[1], body) == (b"503", b"")
