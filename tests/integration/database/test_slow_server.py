"""A "server" that sends byte after byte, before any timeout between two of them, holds nobody for ever."""

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


def packet(sequence: int, content: bytes) -> bytes:
    return struct.pack("<I", len(content))[:3] + bytes([sequence]) + content


def greeting(capabilities: int = PROTOCOL_41 | SECURE | PLUGINS) -> bytes:
    low, high = capabilities & 0xFFFF, capabilities >> 16
    fixed = struct.pack("<I8sxHBHHB10x", 1, b"saltsalt", low, 45, 2, high, 21)
    return packet(0, b"\x0a8.0.40\0" + fixed + b"saltsaltsalt\0" + b"mysql_native_password\0")


DONE = b"\0\0\0\2\0\0\0"
LET_IN = greeting() + packet(2, DONE) + packet(1, DONE) * 3
"""The greeting, and success for the login and for what every session begins with."""

ENDLESS = b"\xff\xff\xff\1"  # the header of a packet of 16 MiB
DRIPS = {
    "greeting": b"",
    "the middle of the greeting": greeting()[:20],
    "authentication": greeting() + b"\xff\xff\xff\2",
    "TLS": greeting(PROTOCOL_41 | SECURE | PLUGINS | TLS),
    "the first statement": LET_IN[: -len(packet(1, DONE))] + ENDLESS,
    "a result": LET_IN + ENDLESS,
}


@pytest.mark.parametrize("first", DRIPS.values(), ids=DRIPS.keys())
def test_a_source_that_drips_is_an_error_of_the_look(first: bytes) -> None:
    with open_slow_server(first, [b"\x16\x03\x03\x40\x00", *[b"."] * 1000]) as port:
        began = time.monotonic()
        seen = TcpSourceProbe(TIMEOUT).probe("127.0.0.1", port, "slave0000", SECRET)

    assert time.monotonic() - began < 5
    assert seen.error is not None
    assert seen.error.number in (2003, 2013), seen.error


@contextmanager
def logged_in(*drip: Any) -> Iterator[Connection]:
    with (
        open_slow_server(*drip) as port,
        closing(connect_tcp("127.0.0.1", port, "slave0000", SECRET, Tls(required=False), TIMEOUT)) as session,
    ):
        yield session


def test_an_answer_in_pieces_ends_with_its_limit_and_says_so() -> None:
    with (
        logged_in(LET_IN + ENDLESS) as session,
        pytest.raises(DatabaseUnreachable, match=r"^asking: no complete answer in 0\.6 s$"),
    ):
        session.fetch_rows(sql("SELECT 1"), "asking")


def test_all_answers_of_a_look_together_have_an_end() -> None:
    end = b"\xfe\0\0\2\0"
    column = b"\3def\0\0\0\1x\0\x0c\x3f\0\1\0\0\0\x03\0\0\0\0\0"
    whole = b"".join(packet(at, each) for at, each in enumerate((b"\1", column, end, b"\x011", end), start=1))
    pieces = [whole[at : at + 20] for at in range(0, len(whole), 20)]

    def ask_often(session: Connection) -> None:
        for _ in range(1000):
            session.fetch_rows(sql("SELECT 1"), "asking")

    with logged_in(LET_IN, pieces) as session:
        session.limit_total_time(0.5)
        began = time.monotonic()
        with pytest.raises(DatabaseUnreachable, match="no complete answer"):
            ask_often(session)

    assert 0.3 < time.monotonic() - began < 5


def test_nothing_of_a_session_stays_open() -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    with open_slow_server(LET_IN) as port:
        for _ in range(3):
            connect_tcp("127.0.0.1", port, "slave0000", SECRET, Tls(required=False), TIMEOUT).close()
    with open_slow_server(b"") as port:
        TcpSourceProbe(TIMEOUT).probe("127.0.0.1", port, "slave0000", SECRET)

    time.sleep(0.2)
    assert len(list(Path("/proc/self/fd").iterdir())) <= before
