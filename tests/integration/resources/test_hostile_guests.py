"""What the endpoint does with clients that send too much, too little, or no HTTP: it goes on, and logs nothing."""

from __future__ import annotations

import logging
import resource
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from time import monotonic

import pytest

from guestagent.resources.endpoint import guest_connection, server
from guestagent.resources.endpoint.application import EndpointApplication
from guestagent.resources.endpoint.endpoint_settings import EndpointSettings
from guestagent.resources.endpoint.guest_connection import CONNECTION_TIME_LIMIT_S, HEAD_LIMIT_BYTES
from guestagent.resources.endpoint.server import EndpointServer
from guestagent.resources.endpoint.signed_path import PathPurpose
from tests.support.certificates import CertificateAuthority
from tests.support.database_servers import find_free_port
from tests.support.polling import wait_until
from tests.support.served_cluster import ServedCluster

HOST = "127.0.0.1"
HEALTH_REQUEST = b"GET /healthz HTTP/1.1\r\n\r\n"
Connect = Callable[[], socket.socket]


@pytest.fixture
def shop() -> ServedCluster:
    return ServedCluster()


@pytest.fixture(params=["in clear", "over TLS"])
def connect(
    request: pytest.FixtureRequest,
    shop: ServedCluster,
    authority: CertificateAuthority,
    caplog: pytest.LogCaptureFixture,
) -> Iterator[Connect]:
    """Connect to an endpoint that has to answer as before afterwards, with nothing in its log."""
    certificate, port, with_tls = authority.valid, find_free_port(), request.param == "over TLS"
    files = (certificate.certificate, certificate.key) if with_tls else ()
    endpoint = EndpointServer(EndpointSettings(HOST, port, *files), EndpointApplication(shop.endpoint))
    context = ssl.create_default_context(cafile=authority.ca)
    endpoint.open()
    with ExitStack() as stack:
        stack.callback(endpoint.close)

        def open_connection() -> socket.socket:
            client = stack.enter_context(socket.create_connection((HOST, port), timeout=30))
            return (
                stack.enter_context(context.wrap_socket(client, server_hostname=HOST)) if with_tls else client
            )

        yield open_connection
        assert ask(open_connection(), HEALTH_REQUEST).startswith(b"HTTP/1.1 200 OK")
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


def ask(client: socket.socket, request: bytes) -> bytes:
    """Send a request, and return the beginning of its answer; nothing if the connection was cut."""
    try:
        client.sendall(request)
        return client.recv(1000)
    except (ConnectionError, ssl.SSLEOFError):
        return b""


def read_to_end(client: socket.socket) -> bytes:
    """Return all that comes before the endpoint closes the connection."""
    answer = b""
    while piece := ask(client, b""):
        answer += piece
    return answer


def is_cut(client: socket.socket, first: bytes, more: bytes) -> bool:
    """Send on and on. Return whether the endpoint cuts the connection, long before its time is over."""
    ends_at = monotonic() + CONNECTION_TIME_LIMIT_S / 3
    try:
        client.sendall(first)
        while monotonic() < ends_at:
            client.sendall(more)
    except (ConnectionError, ssl.SSLEOFError):
        return True
    return False


@pytest.mark.parametrize(
    ("first", "more"),
    [
        (b"GET /", b"a" * 65536),
        (b"GET / HTTP/1.1\r\nA: ", b"a" * 65536),
        (b"GET / HTTP/1.1\r\n", b"a:\r\n" * 16384),
        (b"", b"\r\n" * 32768),
        (b"PUT / HTTP/1.1\r\nContent-Length: 1000000000000000\r\n\r\n", b"a" * 65536),
        (b"PUT / HTTP/1.0\r\nContent-Length: 1000000000000000\r\n\r\n", b"a" * 65536),
        (b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"8000\r\n" + b"a" * 32768 + b"\r\n"),
        (b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n" * 10000),
        (b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;a=", b"a" * 65536),
        (b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"a:\r\n" * 16384),
    ],
    ids=[
        "url",
        "header",
        "headers",
        "newlines",
        "body",
        "body of 1.0",
        "chunks",
        "small chunks",
        "chunk extension",
        "trailers",
    ],
)
def test_a_client_that_sends_on_and_on_is_cut(connect: Connect, first: bytes, more: bytes) -> None:
    client = connect()

    assert is_cut(client, first, more)


def test_a_long_head_is_read(connect: Connect) -> None:
    request = HEALTH_REQUEST[:-2] + b"A: " + b"a" * (HEAD_LIMIT_BYTES - 1000) + b"\r\n\r\n"

    assert ask(connect(), request).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "request_",
    [
        b"\x00\x01\x02\xff\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"ABSURD / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"CONNECT host:443 HTTP/1.1\r\n\r\nmore",
        b"OPTIONS * HTTP/1.1\r\n\r\n",
        b"GET http://host HTTP/1.1\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nA\x00: a\r\n\r\n",
        b"PUT / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"PUT / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na",
        b"PUT / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nno number\r\n",
    ],
)
def test_what_is_no_request_is_refused_or_cut(connect: Connect, request_: bytes) -> None:
    answer = ask(connect(), request_)

    assert answer == b"" or answer.startswith((b"HTTP/1.1 400 Bad Request", b"HTTP/1.1 404 Not Found"))


@pytest.mark.parametrize("query", [b"\xff", b"Signature=%ff%00", b"Signature=a&Signature=b", b"&" * 10000])
def test_a_query_that_is_no_text_is_not_found(connect: Connect, query: bytes) -> None:
    answer = ask(connect(), b"GET /v1/shop/%ff/run/1?" + query + b" HTTP/1.1\r\nA: \xff\r\n\r\n")

    assert answer == b"" or answer.startswith((b"HTTP/1.1 400 Bad Request", b"HTTP/1.1 404 Not Found"))


def test_requests_that_do_not_wait_for_their_answer_are_cut(connect: Connect) -> None:
    client = connect()

    answer = ask(client, HEALTH_REQUEST * 10000) + read_to_end(client)

    assert answer.count(b"HTTP/1.1") <= 1


def test_requests_that_wait_for_their_answer_share_a_connection(connect: Connect) -> None:
    client = connect()

    answers = [ask(client, HEALTH_REQUEST.replace(b"GET", b"HEAD")) for _ in range(3)]

    assert [answer[:15] for answer in answers] == [b"HTTP/1.1 200 OK"] * 3


def test_a_client_of_http_1_0_is_answered_and_closed(connect: Connect) -> None:
    client = connect()
    client.sendall(HEALTH_REQUEST.replace(b"1.1", b"1.0"))

    answer = read_to_end(client)

    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b'{"status":"ok"}')


def build_signal(shop: ServedCluster, headers: bytes) -> bytes:
    path, signature = shop.sign("Master0000", PathPurpose.SIGNAL)
    return f"PUT {path}?Signature={signature} HTTP/1.1\r\n".encode() + headers + b"\r\n"


def test_a_client_that_wants_to_send_a_body_may_continue(connect: Connect, shop: ServedCluster) -> None:
    body, client = b'{"UniqueId":"1","Status":"SUCCESS"}', connect()
    length = f"Content-Length: {len(body)}\r\n".encode()

    first = ask(client, build_signal(shop, b"Expect: 100-continue\r\n" + length))
    second = ask(client, body)

    assert first == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert second.startswith(b"HTTP/1.1 200")


def test_a_body_in_chunks_is_read_and_its_trailers_are_not(connect: Connect, shop: ServedCluster) -> None:
    client = connect()
    chunks = b'10;a=b\r\n{"UniqueId":"1",\r\n12\r\n"Status":"SUCCESS"\r\n1\r\n}\r\n0\r\nX: y\r\nX: z\r\n\r\n'
    signal = build_signal(shop, b"Connection: close\r\nTransfer-Encoding: chunked\r\n") + chunks

    client.sendall(signal)

    assert read_to_end(client).startswith(b"HTTP/1.1 200")


def test_a_handshake_that_does_not_end_is_cut(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guest_connection, "CONNECTION_TIME_LIMIT_S", 1.0)
    port = connect().getpeername()[1]
    silent = socket.create_connection((HOST, port), timeout=30)

    begun_at = monotonic()
    answer = ask(silent, b"")
    silent.close()

    assert answer == b""
    assert 0.5 < monotonic() - begun_at < 20


@pytest.mark.parametrize(
    "request_", [HEALTH_REQUEST.replace(b"1.1", b"1.0"), b"none\r\n\r\n", HEALTH_REQUEST * 2]
)
def test_connections_that_end_leave_their_places(
    shop: ServedCluster, monkeypatch: pytest.MonkeyPatch, request_: bytes
) -> None:
    monkeypatch.setattr(server, "CONNECTION_LIMIT", 10)
    endpoint, port = serve_in_clear(shop)

    for _ in range(100):
        with socket.create_connection((HOST, port), timeout=30) as client:
            client.sendall(request_)
            read_to_end(client)
    with socket.create_connection((HOST, port), timeout=30) as client:
        answer = ask(client, HEALTH_REQUEST)
    endpoint.close()

    assert answer.startswith(b"HTTP/1.1 200")


def serve_in_clear(shop: ServedCluster) -> tuple[EndpointServer, int]:
    port = find_free_port()
    endpoint = EndpointServer(EndpointSettings(HOST, port), EndpointApplication(shop.endpoint))
    endpoint.open()
    return endpoint, port


def test_the_endpoint_ends_in_time_with_clients_that_do_nothing(
    shop: ServedCluster, authority: CertificateAuthority
) -> None:
    certificate, port = authority.valid, find_free_port()
    settings = EndpointSettings(HOST, port, certificate.certificate, certificate.key)
    endpoint = EndpointServer(settings, EndpointApplication(shop.endpoint))
    endpoint.open()
    context = ssl.create_default_context(cafile=authority.ca)
    with ExitStack() as stack:
        raw = [stack.enter_context(socket.create_connection((HOST, port), timeout=30)) for _ in range(4)]
        secured = [stack.enter_context(context.wrap_socket(each, server_hostname=HOST)) for each in raw[:3]]
        ask(secured[0], HEALTH_REQUEST.replace(b"GET", b"HEAD"))
        secured[1].sendall(b"GET /")

        begun_at = monotonic()
        endpoint.close()

        assert monotonic() - begun_at < 5
        assert [ask(each, b"") for each in secured] == [b""] * 3
        assert ask(raw[3], b"") == b""


def test_a_process_that_may_open_no_more_files_accepts_again_later(
    shop: ServedCluster, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint, port = serve_in_clear(shop)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.socket() as client:
        client.settimeout(30)
        resource.setrlimit(resource.RLIMIT_NOFILE, (client.fileno() // 2, hard))
        client.connect((HOST, port))
        wait_until(lambda: "no connection can be accepted" in caplog.text)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

        answer = ask(client, HEALTH_REQUEST)
    endpoint.close()

    assert answer.startswith(b"HTTP/1.1 200")
    assert len(caplog.records) < 5
