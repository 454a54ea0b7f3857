"""Servers and proxies that respond slowly or not at all: an attempt ends in time."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from guestagent.agent.signalling import SignalThread
from guestagent.errors import HandleUnreachable
from guestagent.retry import SystemClock
from guestagent.signal import Sender, Spool, SpoolEntry, build_transport
from tests.support.cfn_signal_server import CfnSignalServer, build_handle
from tests.support.polling import wait_until
from tests.support.signal_attempts import READY, get_error, send_in_process
from tests.support.slow_server import open_slow_server

SLOW_RESPONSES = {
    "body": (b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n", [b"."]),
    "body to the end": (b"HTTP/1.0 200 OK\r\n\r\n<resource", [b"."]),
    "status": (b"HTTP/1.1 200 ", [b"O"]),
    "header": (b"HTTP/1.1 200 OK\r\nX-Long: ", [b"x"]),
    "headers": (b"HTTP/1.1 200 OK\r\n", [b"X-", b"Y: ", b"1\r\n"]),
    "continue": (b"", [b"HTTP/1.1 100 Continue\r\n\r\n"]),
}


@pytest.mark.parametrize("response", SLOW_RESPONSES.values(), ids=SLOW_RESPONSES.keys())
def test_a_slow_response_times_out(response: tuple[bytes, list[bytes]]) -> None:
    """Each byte arrives in time; without a limit for the whole response no newer signal would be sent."""
    with open_slow_server(*response) as port:
        started = time.monotonic()
        error = get_error(lambda: build_transport(build_handle(f"http://127.0.0.1:{port}")).send(b"{}", 0.3))

    assert str(error) == f"127.0.0.1:{port}: no answer in time"
    assert type(error) is HandleUnreachable
    assert time.monotonic() - started < 5


def test_a_slow_handle_does_not_delay_a_newer_one(heat: CfnSignalServer, tmp_path: Path) -> None:
    signal_thread = SignalThread(Sender(Spool(tmp_path), SystemClock()), lambda line: None)
    signal_thread.start()
    is_connected = threading.Event()

    def send_headers() -> Iterator[bytes]:
        is_connected.set()
        yield b"X: 1\r\n"

    with open_slow_server(b"HTTP/1.1 200 OK\r\n", send_headers()) as port:
        signal_thread.submit(SpoolEntry(build_handle(f"http://127.0.0.1:{port}"), "generation 1", READY))
        assert is_connected.wait(10)
        signal_thread.submit(SpoolEntry(heat.handle, "generation 2", READY))
        wait_until(lambda: bool(heat.requests))
    signal_thread.stop()


def test_a_slow_proxy_and_a_slow_tls_handshake_time_out() -> None:
    with open_slow_server(b"HTTP/1.1 5", [b"0"]) as proxy, open_slow_server(b"\x16\x03\x03\x40\x00") as tls:
        handshake_error = get_error(
            lambda: build_transport(build_handle(f"https://127.0.0.1:{tls}")).send(b"{}", 0.3)
        )
        proxy_error = send_in_process(
            build_handle("https://heat.example"), timeout_s=0.3, https_proxy=f"http://127.0.0.1:{proxy}"
        )

    assert str(handshake_error) == f"127.0.0.1:{tls}: no answer in time"
    assert proxy_error == "HandleUnreachable heat.example: no answer in time"


def test_a_silent_server_times_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"

        error = get_error(lambda: build_transport(build_handle(address)).send(b"{}", 0.2))

    assert str(error).endswith(": no answer in time")
