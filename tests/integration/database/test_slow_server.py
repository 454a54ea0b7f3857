"""A server that sends single bytes, each within the timeout: the whole response has a time limit."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from guestagent.database.connection import Connection
from guestagent.database.login import connect_tcp
from guestagent.database.source_probe import TcpSourceProbe
from guestagent.database.sql_statement import sql
from guestagent.errors import DatabaseUnreachable
from guestagent.metadata.document import Tls
from guestagent.secret import Secret
from tests.support.slow_server import open_slow_server

TIMEOUT = 0.3
SECRET = Secret("a password")
PROTOCOL_41, SECURE, PLUGINS, TLS = 0x200, 0x8000, 0x80000, 0x800


def build_packet(sequence: int, content: bytes) -> bytes:
    return struct.pack("<I", len(content))[:3] + bytes([sequence]) + content


def build_greeting(capabilities: int = PROTOCOL_41 | SECURE | PLUGINS) -> bytes:
    low, high = capabilities & 0xFFFF, capabilities >> 16
    fixed = struct.pack("<I8sxHBHHB10x", 1, b"saltsalt", low, 45, 2, high, 21)
    return build_packet(0, b"\x0a8.0.40\0" + fixed + b"saltsaltsalt\0" + b"mysql_native_password\0")


DONE = b"\0\0\0\2\0\0\0"
LOGIN_RESPONSES = build_greeting() + build_packet(2, DONE) + build_packet(1, DONE) * 3
"""The greeting, and OK packets for the login and the first statements of a session."""

ENDLESS = b"\xff\xff\xff\1"  # the header of a packet of 16 MiB
DRIPS = {
    "greeting": b"",
    "the middle of the greeting": build_greeting()[:20],
    "authentication": build_greeting() + b"\xff\xff\xff\2",
    "TLS": build_greeting(PROTOCOL_41 | SECURE | PLUGINS | TLS),
    "the first statement": LOGIN_RESPONSES[: -len(build_packet(1, DONE))] + ENDLESS,
    "a result": LOGIN_RESPONSES + ENDLESS,
}


@pytest.mark.parametrize("beginning", DRIPS.values(), ids=DRIPS.keys())
def test_a_source_that_sends_single_bytes_is_an_error_of_the_probe(beginning: bytes) -> None:
    with open_slow_server(beginning, [b"\x16\x03\x03\x40\x00", *[b"."] * 1000]) as port:
        start = time.monotonic()
        source_state = TcpSourceProbe(TIMEOUT).probe("127.0.0.1", port, "slave0000", SECRET)

    assert time.monotonic() - start < 5
    assert source_state.error is not None
    assert source_state.error.number in (2003, 2013), source_state.error


@contextmanager
def open_session(*drip: Any) -> Iterator[Connection]:
    with (
        open_slow_server(*drip) as port,
        closing(connect_tcp("127.0.0.1", port, "slave0000", SECRET, Tls(required=False), TIMEOUT)) as session,
    ):
        yield session


def test_a_response_in_pieces_ends_at_its_time_limit() -> None:
    with (
        open_session(LOGIN_RESPONSES + ENDLESS) as session,
        pytest.raises(DatabaseUnreachable, match=r"^asking: no complete answer in 0\.6 s$"),
    ):
        session.fetch_rows(sql("SELECT 1"), "asking")


def test_all_responses_of_a_probe_together_have_a_time_limit() -> None:
    end = b"\xfe\0\0\2\0"
    column = b"\3def\0\0\0\1x\0\x0c\x3f\0\1\0\0\0\x03\0\0\0\0\0"
    response = b"".join(
        build_packet(at, each) for at, each in enumerate((b"\1", column, end, b"\x011", end), start=1)
    )
    pieces = [response[at : at + 20] for at in range(0, len(response), 20)]

    def ask_often(session: Connection) -> None:
        for _ in range(1000):
            session.fetch_rows(sql("SELECT 1"), "asking")

    with open_session(LOGIN_RESPONSES, pieces) as session:
        session.limit_total_time(0.5)
        start = time.monotonic()
        with pytest.raises(DatabaseUnreachable, match="no complete answer"):
            ask_often(session)

    assert 0.3 < time.monotonic() - start < 5


def test_no_socket_of_a_session_stays_open() -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    with open_slow_server(LOGIN_RESPONSES) as port:
        for _ in range(3):
            connect_tcp("127.0.0.1", port, "slave0000", SECRET, Tls(required=False), TIMEOUT).close()
    with open_slow_server(b"") as port:
        TcpSourceProbe(TIMEOUT).probe("127.0.0.1", port, "slave0000", SECRET)

    time.sleep(0.2)
    assert len(list(Path("/proc/self/fd").iterdir())) <= before
