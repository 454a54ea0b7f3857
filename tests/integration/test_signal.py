"""The signaller over real sockets: every kind of answer, silence, TLS, proxies; nothing of a URL leaks anywhere."""

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
from tests.support.slow_server import open_slow_server

READY = SignalOutcome(SignalStatus.SUCCESS, "ready", {"lag": 0})


@pytest.fixture
def heat() -> Iterator[CfnSignalServer]:
    with open_signal_server() as found:
        yield found


SENDER = """
import sys
from guestagent.errors import SignalError
from guestagent.metadata.document import CfnHandle
from guestagent.secret import Secret
from guestagent.signal import build_transport
try:
    build_transport(CfnHandle(Secret(sys.stdin.read()))).send(b"{}", 5)
except SignalError as error:
    print(f"{type(error).__name__} {error}", end="")
"""


def sent(to: CfnHandle, **environ: str) -> str:
    """The error (or nothing) of an attempt by a process with this environment, which requests reads."""
    process = subprocess.run(
        [sys.executable, "-c", SENDER],
        input=to.url.reveal(),
        env=environ,
        check=True,
        capture_output=True,
        text=True,
    )
    assert SIGNATURE not in process.stdout + process.stderr
    return process.stdout


def refused(send: Callable[[], None]) -> SignalError:
    """The error of an attempt; neither its message nor its traceback may hold the signature."""
    with pytest.raises(SignalError) as raised:
        send()
    shown = "".join(traceback.format_exception(raised.value))
    assert SIGNATURE not in shown
    assert raised.value.__context__ is None
    return raised.value


def test_the_url_and_the_body_arrive_as_they_were_signed(heat: CfnSignalServer) -> None:
    build_transport(heat.handle).send(b'{"Status": "SUCCESS"}', 5)

    (heard,) = heat.requests
    assert heard.request_line == f"PUT {PATH}?{QUERY} HTTP/1.1"
    assert heard.body == b'{"Status": "SUCCESS"}'
    assert heard.headers["Content-Type"] == "application/json"
    assert heard.headers["Host"] == heat.address.removeprefix("http://")
    assert "Authorization" not in heard.headers


@pytest.mark.parametrize(
    ("reply", "kind"),
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
def test_every_answer_has_its_error(
    heat: CfnSignalServer, reply: tuple[int, Mapping[str, str], bytes], kind: type[SignalError]
) -> None:
    heat.reply = reply

    error = refused(lambda: build_transport(heat.handle).send(b"{}", 5))

    assert type(error) is kind
    assert len(heat.requests) == 1


DRIPS = {
    "body": (b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n", [b"."]),
    "body to the end": (b"HTTP/1.0 200 OK\r\n\r\n<resource", [b"."]),
    "status": (b"HTTP/1.1 200 ", [b"O"]),
    "header": (b"HTTP/1.1 200 OK\r\nX-Long: ", [b"x"]),
    "headers": (b"HTTP/1.1 200 OK\r\n", [b"X-", b"Y: ", b"1\r\n"]),
    "continue": (b"", [b"HTTP/1.1 100 Continue\r\n\r\n"]),
}


@pytest.mark.parametrize("drip", DRIPS.values(), ids=DRIPS.keys())
def test_an_answer_that_drips_is_not_waited_for_to_its_end(drip: tuple[bytes, list[bytes]]) -> None:
    """Each byte comes in time, and a signal that is newer would never have its turn."""
    with open_slow_server(*drip) as port:
        started = time.monotonic()
        error = refused(lambda: build_transport(build_handle(f"http://127.0.0.1:{port}")).send(b"{}", 0.3))

    assert str(error) == f"127.0.0.1:{port}: no answer in time"
    assert type(error) is HandleUnreachable
    assert time.monotonic() - started < 5


def test_a_handle_that_drips_keeps_no_newer_one_waiting(heat: CfnSignalServer, tmp_path: Path) -> None:
    announcer = SignalThread(Sender(Spool(tmp_path), SystemClock()), lambda line: None)
    announcer.start()
    with open_slow_server(b"HTTP/1.1 200 OK\r\n", [b"X: 1\r\n"]) as port:
        announcer.submit(SpoolEntry(build_handle(f"http://127.0.0.1:{port}"), "generation 1", READY))
        time.sleep(0.3)
        began = time.monotonic()
        announcer.submit(SpoolEntry(heat.handle, "generation 2", READY))
        while not heat.requests:
            assert time.monotonic() - began < 10
            time.sleep(0.02)
    announcer.stop()


def test_a_proxy_and_a_handshake_that_drip_are_not_waited_for_either(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_slow_server(b"HTTP/1.1 5", [b"0"]) as proxy, open_slow_server(b"\x16\x03\x03\x40\x00") as tls:
        shaking = refused(lambda: build_transport(build_handle(f"https://127.0.0.1:{tls}")).send(b"{}", 0.3))
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy}")
        tunnelling = refused(lambda: build_transport(build_handle("https://heat.example")).send(b"{}", 0.3))

    assert str(shaking) == f"127.0.0.1:{tls}: no answer in time"
    assert str(tunnelling) == "heat.example: no answer in time"


def test_an_answer_that_is_cut_short_says_nothing(heat: CfnSignalServer) -> None:
    heat.reply = (200, {"Content-Length": "1000", "Connection": "close"}, b"<re")

    error = refused(lambda: build_transport(heat.handle).send(b"{}", 2))

    assert type(error) is HandleUnreachable


def test_nobody_at_the_port_is_said_in_words() -> None:
    error = refused(lambda: build_transport(build_handle("http://127.0.0.1:1")).send(b"{}", 5))

    assert str(error) == "127.0.0.1:1: Connection refused"


def test_a_name_that_nobody_knows_is_said_in_words() -> None:
    said = sent(build_handle("http://heat.invalid"))

    assert said.startswith("HandleUnreachable heat.invalid: ")
    assert "Error" not in said


def test_silence_ends_with_the_attempts_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"

        error = refused(lambda: build_transport(build_handle(address)).send(b"{}", 0.2))

    assert str(error).endswith(": no answer in time")


def test_one_that_hangs_up_is_said_in_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as rude:
        hanging_up = threading.Thread(target=lambda: rude.accept()[0].close())
        hanging_up.start()

        error = refused(
            lambda: build_transport(build_handle(f"http://127.0.0.1:{rude.getsockname()[1]}")).send(b"{}", 5)
        )

        hanging_up.join()
    assert type(error) is HandleUnreachable


def test_the_proxy_of_the_environment_is_used(heat: CfnSignalServer) -> None:
    assert sent(build_handle("http://heat.invalid:8000"), http_proxy=heat.address) == ""

    (heard,) = heat.requests
    assert heard.request_line == f"PUT http://heat.invalid:8000{PATH}?{QUERY} HTTP/1.1"
    assert heard.headers["Host"] == "heat.invalid:8000"


def test_no_proxy_is_honoured(heat: CfnSignalServer) -> None:
    assert sent(heat.handle, http_proxy="http://127.0.0.1:1", no_proxy="127.0.0.1") == ""

    assert len(heat.requests) == 1


def test_a_dead_proxy_is_named() -> None:
    said = sent(build_handle("http://heat.invalid"), http_proxy="http://127.0.0.1:1")

    assert said == "HandleUnreachable heat.invalid: the proxy: Connection refused"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A private key and a certificate that 127.0.0.1 signed for itself, in one file."""
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    made = ["-newkey", "rsa:2048", "-nodes", "-keyout", str(file), "-out", f"{file}.crt", "-days", "2"]
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(["openssl", "req", "-x509", *made, *subject], check=True, capture_output=True)
    file.write_bytes(file.read_bytes() + Path(f"{file}.crt").read_bytes())
    return file


@pytest.fixture
def encrypted(certificate: Path) -> Iterator[CfnSignalServer]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with open_signal_server(tls) as found:
        yield found


def test_a_ca_of_the_settings_is_believed(encrypted: CfnSignalServer, certificate: Path) -> None:
    build_transport(encrypted.handle, HttpOptions(certificate)).send(b"{}", 5)

    assert len(encrypted.requests) == 1


def test_a_ca_of_the_environment_is_believed(encrypted: CfnSignalServer, certificate: Path) -> None:
    assert sent(encrypted.handle, REQUESTS_CA_BUNDLE=str(certificate)) == ""

    assert len(encrypted.requests) == 1


def test_an_unknown_ca_is_waited_for_and_named(encrypted: CfnSignalServer) -> None:
    error = refused(lambda: build_transport(encrypted.handle).send(b"{}", 5))

    assert isinstance(error, HandleUnreachable)
    assert "its certificate is not valid here (self-signed certificate): is its CA in signal.ca_file?" in str(
        error
    )
    assert encrypted.requests == []


def test_a_ca_file_that_is_missing_is_named(encrypted: CfnSignalServer, tmp_path: Path) -> None:
    error = refused(
        lambda: build_transport(encrypted.handle, HttpOptions(tmp_path / "ca.pem")).send(b"{}", 5)
    )

    assert isinstance(error, HandleUnreachable)
    assert "the CA bundle cannot be read: is signal.ca_file" in str(error)


def test_not_even_a_debugging_log_holds_the_signature(
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
def stack(auth_ttl: timedelta = timedelta(minutes=15)) -> Iterator[tuple[Serving, CfnHandle]]:
    """A stack of one wait condition in the embedded Heat, and its handle."""
    with (
        serving(settings=CloudSettings(auth_ttl=auth_ttl)) as cloud,
        openstack.connect(**cloud.connect) as connection,
    ):
        connection.orchestration.post(
            "/stacks", json={"stack_name": "s", "template": TEMPLATE}
        ).raise_for_status()
        yield cloud, CfnHandle(Secret(soon(lambda: url(cloud))))


def url(cloud: Serving) -> str | None:
    handle = get_fake_cloud(cloud).engine.find_stack("s").resources.get("Handle")
    return None if handle is None else handle.data.get("url")


def soon(look: Callable[[], str | None]) -> str:
    """What `look` sees once it sees something."""
    until = time.monotonic() + 10
    while (found := look()) is None:
        assert time.monotonic() < until
        time.sleep(0.01)
    return found


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
@pytest.mark.parametrize(
    ("status", "ended"), [(SignalStatus.SUCCESS, "COMPLETE"), (SignalStatus.FAILURE, "FAILED")]
)
def test_the_embedded_heat_takes_a_signal_through_its_outage(
    tmp_path: Path, status: SignalStatus, ended: str
) -> None:
    with stack() as (cloud, to):
        cloud.fault("keystone", "500", seconds=0.5)
        sender = Sender(
            Spool(tmp_path), SystemClock(), RetryPolicy(backoff=Backoff(initial_s=0.1, max_s=0.2))
        )

        delivery = sender.send(SpoolEntry(to, "slave0000-1", SignalOutcome(status, REASON, {"lag": 0})))

        assert delivery.result is DeliveryResult.ACCEPTED
        assert delivery.attempts > 1
        found = get_fake_cloud(cloud).engine.find_stack("s")
        assert soon(lambda: found.status if found.status in ("COMPLETE", "FAILED") else None) == ended
        assert status is SignalStatus.SUCCESS or REASON in found.reason


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_the_embedded_heats_expired_handle_is_given_up_with_all_readings(tmp_path: Path) -> None:
    with stack(auth_ttl=timedelta(seconds=-1)) as (_, to):
        sender = Sender(
            Spool(tmp_path),
            SystemClock(),
            RetryPolicy(backoff=Backoff(initial_s=0.1, max_s=0.2), doubt_timeout_s=0.3),
        )

        delivery = sender.send(SpoolEntry(to, "slave0000-1", READY))

    assert delivery.result is DeliveryResult.GIVEN_UP
    assert "answers 403: the URL has expired (signed 0 minutes ago" in delivery.reason


def test_a_heat_that_comes_back_hears_what_was_said(heat: CfnSignalServer, tmp_path: Path) -> None:
    heat.reply = (503, {}, b"")
    told: list[str] = []

    def back(message: str) -> None:
        told.append(message)
        heat.reply = (200, {}, ACCEPTED_BODY)

    policy = RetryPolicy(backoff=Backoff(initial_s=0.01, max_s=0.02))
    sender = Sender(Spool(tmp_path), SystemClock(), policy, report=back)

    delivery = sender.send(SpoolEntry(heat.handle, "slave0000-1", READY))

    assert (delivery.result, delivery.attempts, len(told)) == (DeliveryResult.ACCEPTED, 2, 1)
    assert json.loads(heat.requests[-1].body) == {
        "Status": "SUCCESS",
        "Reason": "ready",
        "UniqueId": "slave0000-1",
        "Data": {"lag": 0},
    }
    assert SIGNATURE not in "".join(path.read_text() for path in tmp_path.iterdir())
