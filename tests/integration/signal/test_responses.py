"""Signals over real sockets: what is sent, and every kind of response. No log or error reveals a URL."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Mapping

import pytest

from guestagent.errors import HandleRefused, HandleUnreachable, SignalError
from guestagent.signal import HandleBroken, HandleDoubted, build_transport
from tests.support.cfn_signal_server import PATH, QUERY, SIGNATURE, CfnSignalServer, build_handle
from tests.support.signal_attempts import get_error, send_in_process


def test_the_url_and_the_body_arrive_as_they_were_signed(heat: CfnSignalServer) -> None:
    build_transport(heat.handle).send(b'{"Status": "SUCCESS"}', 5)

    (request,) = heat.requests
    assert request.request_line == f"PUT {PATH}?{QUERY} HTTP/1.1"
    assert request.body == b'{"Status": "SUCCESS"}'
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Host"] == heat.address.removeprefix("http://")
    assert "Authorization" not in request.headers


@pytest.mark.parametrize(
    ("reply", "error_type"),
    [
        ((200, {}, b"<html>Log in, please</html>"), HandleUnreachable),
        ((204, {}, b""), HandleUnreachable),
        ((302, {"Location": "http://127.0.0.1:1/"}, b""), HandleUnreachable),
        ((307, {"Location": "http://127.0.0.1:1/"}, b""), HandleUnreachable),
        ((400, {}, b"IncompleteSignature"), HandleRefused),
        ((403, {}, b"AccessDenied"), HandleDoubted),
        ((404, {}, b""), HandleRefused),
        ((500, {}, b""), HandleBroken),
        ((500, {}, b"ValueError: resources.H: Metadata format invalid"), HandleRefused),
        ((503, {}, b"x" * 1_000_000), HandleBroken),
    ],
)
def test_each_response_raises_its_error(
    heat: CfnSignalServer, reply: tuple[int, Mapping[str, str], bytes], error_type: type[SignalError]
) -> None:
    heat.reply = reply

    error = get_error(lambda: build_transport(heat.handle).send(b"{}", 5))

    assert type(error) is error_type
    assert len(heat.requests) == 1


def test_a_truncated_response_is_unreachable(heat: CfnSignalServer) -> None:
    heat.reply = (200, {"Content-Length": "1000", "Connection": "close"}, b"<re")

    error = get_error(lambda: build_transport(heat.handle).send(b"{}", 2))

    assert type(error) is HandleUnreachable


def test_a_closed_port_is_reported_as_connection_refused() -> None:
    error = get_error(lambda: build_transport(build_handle("http://127.0.0.1:1")).send(b"{}", 5))

    assert str(error) == "127.0.0.1:1: Connection refused"


def test_an_unknown_host_name_is_reported() -> None:
    output = send_in_process(build_handle("http://heat.invalid"))

    assert output.startswith("HandleUnreachable heat.invalid: ")
    assert "Error" not in output


def test_a_closed_connection_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closer = threading.Thread(target=lambda: listener.accept()[0].close())
        closer.start()

        error = get_error(
            lambda: build_transport(build_handle(f"http://127.0.0.1:{listener.getsockname()[1]}")).send(
                b"{}", 5
            )
        )

        closer.join()
    assert type(error) is HandleUnreachable


def test_a_debug_log_does_not_contain_the_signature(
    heat: CfnSignalServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    build_transport(heat.handle).send(b"{}", 5)

    assert SIGNATURE not in caplog.text
