"""Signals over real sockets: every kind of response, timeouts, TLS and proxies. No log or error reveals a URL."""

from __future__ import annotations

import json
import logging
import socket
import ssl
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import openstack
import pytest

from guestagent.agent.signalling import SignalThread
from guestagent.embedded import Serving, serving
from guestagent.embedded.process.cloud_settings import CloudSettings
from guestagent.errors import HandleRefused, HandleUnreachable, SignalError
from guestagent.metadata.document import CfnHandle
from guestagent.retry import Backoff, SystemClock
from guestagent.secret import Secret
from guestagent.signal import (
    DeliveryResult,
    HandleBroken,
    HandleDoubted,
    HttpOptions,
    RetryPolicy,
    Sender,
    SignalOutcome,
    SignalStatus,
    Spool,
    SpoolEntry,
    build_transport,
)
from tests.support.cfn_signal_server import (
    ACCEPTED_BODY,
    PATH,
    QUERY,
    SIGNATURE,
    CfnSignalServer,
    build_handle,
    open_signal_server,
)
from tests.support.heat_requests import get_fake_cloud
from tests.support.polling import wait_until
from tests.support.slow_server import open_slow_server

READY = SignalOutcome(SignalStatus.SUCCESS, "ready", {"lag": 0})


@pytest.fixture
def heat() -> Iterator[CfnSignalServer]:
    with open_signal_server() as server:
        yield server


SENDER = """
import sys
from guestagent.errors import SignalError
from guestagent.metadata.document import CfnHandle
from guestagent.secret import Secret
from guestagent.signal import build_transport
try:
    build_transport(CfnHandle(Secret(sys.stdin.read()))).send(b"{}", float(sys.argv[1]))
except SignalError as error:
    print(f"{type(error).__name__} {error}", end="")
"""


def send_in_process(handle: CfnHandle, timeout_s: float = 5, **environ: str) -> str:
    """Send in a process with this environment, which requests reads; return the error, or nothing."""
    process = subprocess.run(
        [sys.executable, "-c", SENDER, str(timeout_s)],
        input=handle.url.reveal(),
        env=environ,
        check=True,
        capture_output=True,
        text=True,
    )
    assert SIGNATURE not in process.stdout + process.stderr
    return process.stdout


def get_error(send: Callable[[], None]) -> SignalError:
    """Return the error of an attempt, after a check that message and traceback do not contain the signature."""
    with pytest.raises(SignalError) as raised:
        send()
    trace = "".join(traceback.format_exception(raised.value))
    assert SIGNATURE not in trace
    assert raised.value.__context__ is None
    return raised.value


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
        wait_until(lambda: bool(heat.requests), 10)
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


def test_a_silent_server_times_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"

        error = get_error(lambda: build_transport(build_handle(address)).send(b"{}", 0.2))

    assert str(error).endswith(": no answer in time")


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


def test_the_proxy_of_the_environment_is_used(heat: CfnSignalServer) -> None:
    assert send_in_process(build_handle("http://heat.invalid:8000"), http_proxy=heat.address) == ""

    (request,) = heat.requests
    assert request.request_line == f"PUT http://heat.invalid:8000{PATH}?{QUERY} HTTP/1.1"
    assert request.headers["Host"] == "heat.invalid:8000"


def test_no_proxy_is_honoured(heat: CfnSignalServer) -> None:
    assert send_in_process(heat.handle, http_proxy="http://127.0.0.1:1", no_proxy="127.0.0.1") == ""

    assert len(heat.requests) == 1


def test_a_dead_proxy_is_named() -> None:
    output = send_in_process(build_handle("http://heat.invalid"), http_proxy="http://127.0.0.1:1")

    assert output == "HandleUnreachable heat.invalid: the proxy: Connection refused"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A private key and a self-signed certificate for 127.0.0.1, in one file."""
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    options = ["-newkey", "rsa:2048", "-nodes", "-keyout", str(file), "-out", f"{file}.crt", "-days", "2"]
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(["openssl", "req", "-x509", *options, *subject], check=True, capture_output=True)
    file.write_bytes(file.read_bytes() + Path(f"{file}.crt").read_bytes())
    return file


@pytest.fixture
def tls_server(certificate: Path) -> Iterator[CfnSignalServer]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with open_signal_server(tls) as server:
        yield server


def test_a_ca_from_the_settings_is_trusted(tls_server: CfnSignalServer, certificate: Path) -> None:
    build_transport(tls_server.handle, HttpOptions(certificate)).send(b"{}", 5)

    assert len(tls_server.requests) == 1


def test_a_ca_from_the_environment_is_trusted(tls_server: CfnSignalServer, certificate: Path) -> None:
    assert send_in_process(tls_server.handle, REQUESTS_CA_BUNDLE=str(certificate)) == ""

    assert len(tls_server.requests) == 1


def test_an_unknown_ca_is_retried_and_named(tls_server: CfnSignalServer) -> None:
    error = get_error(lambda: build_transport(tls_server.handle).send(b"{}", 5))

    assert isinstance(error, HandleUnreachable)
    assert "its certificate is not valid here (self-signed certificate): is its CA in signal.ca_file?" in str(
        error
    )
    assert tls_server.requests == []


def test_a_ca_file_that_is_missing_is_named(tls_server: CfnSignalServer, tmp_path: Path) -> None:
    error = get_error(
        lambda: build_transport(tls_server.handle, HttpOptions(tmp_path / "ca.pem")).send(b"{}", 5)
    )

    assert isinstance(error, HandleUnreachable)
    assert "the CA bundle cannot be read: is signal.ca_file" in str(error)


def test_a_debug_log_does_not_contain_the_signature(
    heat: CfnSignalServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    build_transport(heat.handle).send(b"{}", 5)

    assert SIGNATURE not in caplog.text


REASON = "größer: 100 % of `it` \N{SNOWMAN}"
TEMPLATE = {
    "AWSTemplateFormatVersion": "2010-09-09",
    "Resources": {
        "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
        "Condition": {
            "Type": "AWS::CloudFormation::WaitCondition",
            "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": 60},
        },
    },
}


@contextmanager
def open_stack(auth_ttl: timedelta = timedelta(minutes=15)) -> Iterator[tuple[Serving, CfnHandle]]:
    """A stack of one wait condition in the embedded Heat, and its handle."""
    with (
        serving(settings=CloudSettings(auth_ttl=auth_ttl)) as cloud,
        openstack.connect(**cloud.connect) as connection,
    ):
        connection.orchestration.post(
            "/stacks", json={"stack_name": "s", "template": TEMPLATE}
        ).raise_for_status()
        yield cloud, CfnHandle(Secret(wait_for_value(lambda: find_handle_url(cloud))))


def find_handle_url(cloud: Serving) -> str | None:
    handle = get_fake_cloud(cloud).engine.find_stack("s").resources.get("Handle")
    return None if handle is None else handle.data.get("url")


def wait_for_value(read_value: Callable[[], str | None]) -> str:
    """Return the value of `read_value` as soon as it is not None."""
    until = time.monotonic() + 10
    while (value := read_value()) is None:
        assert time.monotonic() < until
        time.sleep(0.01)
    return value


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
@pytest.mark.parametrize(
    ("status", "expected_status"), [(SignalStatus.SUCCESS, "COMPLETE"), (SignalStatus.FAILURE, "FAILED")]
)
def test_the_embedded_heat_accepts_a_signal_after_an_outage(
    tmp_path: Path, status: SignalStatus, expected_status: str
) -> None:
    with open_stack() as (cloud, handle):
        cloud.fault("keystone", "500", seconds=0.5)
        sender = Sender(
            Spool(tmp_path), SystemClock(), RetryPolicy(backoff=Backoff(initial_s=0.1, max_s=0.2))
        )

        delivery = sender.send(SpoolEntry(handle, "slave0000-1", SignalOutcome(status, REASON, {"lag": 0})))

        assert delivery.result is DeliveryResult.ACCEPTED
        assert delivery.attempts > 1
        stack = get_fake_cloud(cloud).engine.find_stack("s")
        assert (
            wait_for_value(lambda: stack.status if stack.status in ("COMPLETE", "FAILED") else None)
            == expected_status
        )
        assert status is SignalStatus.SUCCESS or REASON in stack.reason


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_an_expired_handle_of_the_embedded_heat_is_given_up(tmp_path: Path) -> None:
    with open_stack(auth_ttl=timedelta(seconds=-1)) as (_, handle):
        sender = Sender(
            Spool(tmp_path),
            SystemClock(),
            RetryPolicy(backoff=Backoff(initial_s=0.1, max_s=0.2), doubt_timeout_s=0.3),
        )

        delivery = sender.send(SpoolEntry(handle, "slave0000-1", READY))

    assert delivery.result is DeliveryResult.GIVEN_UP
    assert "returned 403: the URL has expired (signed 0 minutes ago" in delivery.reason


def test_the_signal_is_delivered_after_an_outage(heat: CfnSignalServer, tmp_path: Path) -> None:
    heat.reply = (503, {}, b"")
    messages: list[str] = []

    def restore_heat(message: str) -> None:
        messages.append(message)
        heat.reply = (200, {}, ACCEPTED_BODY)

    policy = RetryPolicy(backoff=Backoff(initial_s=0.01, max_s=0.02))
    sender = Sender(Spool(tmp_path), SystemClock(), policy, report=restore_heat)

    delivery = sender.send(SpoolEntry(heat.handle, "slave0000-1", READY))

    assert (delivery.result, delivery.attempts, len(messages)) == (DeliveryResult.ACCEPTED, 2, 1)
    assert json.loads(heat.requests[-1].body) == {
        "Status": "SUCCESS",
        "Reason": "ready",
        "UniqueId": "slave0000-1",
        "Data": {"lag": 0},
    }
    assert SIGNATURE not in "".join(path.read_text() for path in tmp_path.iterdir())
