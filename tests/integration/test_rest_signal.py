"""TOKEN_SIGNAL and HEAT_SIGNAL over real sockets: tokens are fetched, kept and renewed. No credential is revealed."""

from __future__ import annotations

import json
import logging
import socket
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import openstack
import pytest

from guestagent.embedded import Serving, serving
from guestagent.errors import HandleRefused, HandleUnreachable, SignalError
from guestagent.metadata.document import HotHandle
from guestagent.retry import Backoff, SystemClock
from guestagent.signal import (
    DeliveryResult,
    HandleBroken,
    HandleDoubted,
    RetryPolicy,
    Sender,
    SignalOutcome,
    SignalStatus,
    Spool,
    SpoolEntry,
    build_transport,
)
from tests.support.cfn_signal_server import SIGNATURE
from tests.support.heat_requests import HeatRequests, create_waiting_stack
from tests.support.rest_signal_server import LOGIN, SIGNAL, TOKEN, RestSignalServer, open_rest_signal_server

READY = SignalOutcome(SignalStatus.SUCCESS, "ready", {"lag": 0})
QUICK_RETRIES = RetryPolicy(backoff=Backoff(initial_s=0.01, max_s=0.02), doubt_timeout_s=0.2)


@pytest.fixture
def rest() -> Iterator[RestSignalServer]:
    with open_rest_signal_server() as server:
        yield server


def get_error(send: Callable[[], None]) -> SignalError:
    """Return the error of an attempt, after a check that message and traceback do not contain a credential."""
    with pytest.raises(SignalError) as raised:
        send()
    assert SIGNATURE not in "".join(traceback.format_exception(raised.value))
    assert raised.value.__context__ is None
    return raised.value


def build_sender(folder: Path, tell: Callable[[str], None] = lambda message: None) -> Sender:
    return Sender(Spool(folder), SystemClock(), QUICK_RETRIES, report=tell)


def test_a_token_of_the_handle_is_sent_with_the_signal(rest: RestSignalServer) -> None:
    rest.tokens.append(SIGNATURE)

    build_transport(rest.build_token_handle(SIGNATURE)).send(b'{"id": "n"}', 5)

    (request,) = rest.signals
    assert request.request_line == f"POST {SIGNAL} HTTP/1.1"
    assert request.body == b'{"id": "n"}'
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["X-Auth-Token"] == SIGNATURE
    assert rest.logins == []


def test_an_expired_token_is_doubted(rest: RestSignalServer) -> None:
    error = get_error(lambda: build_transport(rest.build_token_handle(SIGNATURE)).send(b"{}", 5))

    assert type(error) is HandleDoubted
    assert "the token has expired, or the handle or its stack is gone" in str(error)


def test_the_user_of_the_handle_logs_in_to_its_project(rest: RestSignalServer) -> None:
    build_transport(rest.account_handle).send(b'{"id": "n"}', 5)

    (login,), (request,) = rest.logins, rest.signals
    assert login.request_line == f"POST {LOGIN} HTTP/1.1"
    auth = json.loads(login.body)["auth"]
    assert auth["scope"] == {"project": {"id": "p1"}}
    assert auth["identity"]["methods"] == ["password"]
    assert "X-Auth-Token" not in login.headers
    assert request.headers["X-Auth-Token"] == f"{TOKEN}1"


def test_a_token_is_reused_and_an_invalid_one_is_renewed_within_the_attempt(
    rest: RestSignalServer,
) -> None:
    transport = build_transport(rest.account_handle)
    transport.send(b"{}", 5)
    transport.send(b"{}", 5)
    assert len(rest.logins) == 1

    rest.revoke_tokens()
    transport.send(b"{}", 5)

    assert [request.headers["X-Auth-Token"][-1] for request in rest.signals] == ["1", "1", "1", "2"]


def test_a_rejected_new_token_is_not_renewed_at_once(rest: RestSignalServer) -> None:
    rest.heat_reply = (401, b"")

    error = get_error(lambda: build_transport(rest.account_handle).send(b"{}", 5))

    assert type(error) is HandleDoubted
    assert (len(rest.logins), len(rest.signals)) == (1, 1)


@pytest.mark.parametrize(
    ("reply", "error_type"),
    [
        ((200, b"<html>Log in, please</html>"), HandleUnreachable),
        ((307, b""), HandleUnreachable),
        ((400, b""), HandleRefused),
        ((403, b""), HandleDoubted),
        ((404, b""), HandleRefused),
        ((500, b""), HandleBroken),
        ((503, b"x" * 100_000), HandleBroken),
    ],
)
def test_each_response_of_heat_raises_its_error(
    rest: RestSignalServer, reply: tuple[int, bytes], error_type: type[SignalError]
) -> None:
    rest.heat_reply = reply

    for handle in (rest.account_handle, rest.build_token_handle(SIGNATURE)):
        assert type(get_error(lambda handle=handle: build_transport(handle).send(b"{}", 5))) is error_type  # type: ignore[misc]


@pytest.mark.parametrize(
    ("reply", "error_type"),
    [
        ((200, b"<html>Log in, please</html>"), HandleUnreachable),
        ((201, b"{}"), HandleUnreachable),
        ((401, b""), HandleDoubted),
        ((404, b""), HandleDoubted),
        ((429, b""), HandleUnreachable),
        ((503, b""), HandleBroken),
    ],
)
def test_each_response_of_keystone_raises_its_error_and_nothing_is_sent_to_heat(
    rest: RestSignalServer, reply: tuple[int, bytes], error_type: type[SignalError]
) -> None:
    rest.keystone_reply = reply

    error = get_error(lambda: build_transport(rest.account_handle).send(b"{}", 5))

    assert type(error) is error_type
    assert rest.signals == []


def test_a_silent_keystone_times_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"

        error = get_error(lambda: build_transport(RestSignalServer(address).account_handle).send(b"{}", 0.2))

    assert str(error).endswith(": no answer in time")


def test_a_debug_log_does_not_contain_a_credential(
    rest: RestSignalServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    build_transport(rest.account_handle).send(b"{}", 5)

    assert rest.signals
    assert SIGNATURE not in caplog.text


def test_the_signal_is_delivered_after_an_outage_of_keystone(rest: RestSignalServer, tmp_path: Path) -> None:
    rest.keystone_reply = (503, b"")
    messages: list[str] = []

    def restore_keystone(message: str) -> None:
        messages.append(message)
        rest.keystone_reply = None

    delivery = build_sender(tmp_path, restore_keystone).send(
        SpoolEntry(rest.account_handle, "slave0000-1", READY)
    )

    assert (delivery.result, delivery.is_confirmed, delivery.attempts) == (DeliveryResult.ACCEPTED, False, 2)
    assert json.loads(rest.signals[-1].body) == {
        "status": "SUCCESS",
        "reason": "ready",
        "id": "slave0000-1",
        "data": {"lag": 0},
    }
    assert "Keystone is down" in messages[0]
    assert SIGNATURE not in "".join([*messages, *(path.read_text() for path in tmp_path.iterdir())])


def test_rejected_credentials_are_given_up_with_every_possible_reason(
    rest: RestSignalServer, tmp_path: Path
) -> None:
    rest.keystone_reply = (401, b"")

    delivery = build_sender(tmp_path).send(SpoolEntry(rest.account_handle, "slave0000-1", READY))

    assert delivery.result is DeliveryResult.GIVEN_UP
    assert delivery.attempts > 1
    assert "the handle or its stack is gone" in delivery.reason
    assert "the password was altered" in delivery.reason


def test_a_missing_handle_is_given_up_at_once(rest: RestSignalServer, tmp_path: Path) -> None:
    rest.heat_reply = (404, b"")

    delivery = build_sender(tmp_path).send(SpoolEntry(rest.account_handle, "slave0000-1", READY))

    assert (delivery.result, delivery.attempts) == (DeliveryResult.GIVEN_UP, 1)
    assert delivery.reason.endswith("there is no such handle (any more)")


@contextmanager
def open_stack(transport: str) -> Iterator[tuple[Serving, HeatRequests, HotHandle]]:
    """A stack with one wait condition in the embedded Heat, and its handle as in a node's metadata."""
    with serving() as cloud, openstack.connect(**cloud.connect) as connection:
        heat = HeatRequests(connection)
        yield cloud, heat, create_waiting_stack(heat, "s", transport)


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
@pytest.mark.parametrize("transport", ["TOKEN_SIGNAL", "HEAT_SIGNAL", "CFN_SIGNAL"])
@pytest.mark.parametrize(
    ("status", "expected_status"),
    [(SignalStatus.SUCCESS, "CREATE_COMPLETE"), (SignalStatus.FAILURE, "CREATE_FAILED")],
)
def test_the_embedded_heat_accepts_every_transport(
    tmp_path: Path, transport: str, status: SignalStatus, expected_status: str
) -> None:
    with open_stack(transport) as (_, heat, handle):
        delivery = build_sender(tmp_path).send(
            SpoolEntry(handle, "slave0000-1", SignalOutcome(status, "as it is", {"lag": 0}))
        )

        assert (delivery.result, delivery.is_confirmed) == (
            DeliveryResult.ACCEPTED,
            transport == "CFN_SIGNAL",
        )
        heat.wait("s", expected_status)


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
@pytest.mark.parametrize("transport", ["TOKEN_SIGNAL", "HEAT_SIGNAL"])
def test_a_deleted_stack_of_the_embedded_heat_is_given_up(tmp_path: Path, transport: str) -> None:
    with open_stack(transport) as (_, heat, handle):
        heat.delete("s")
        heat.wait_until(lambda: heat.find_status("s") is None)

        delivery = build_sender(tmp_path).send(SpoolEntry(handle, "slave0000-1", READY))

    assert delivery.result is DeliveryResult.GIVEN_UP
