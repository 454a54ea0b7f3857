"""Messages whose parts are of another shape than oslo.messaging sends them, through its own driver in one process."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from guestagent.errors import OrderRefused
from guestagent.resources.engine_selection import select_engine
from guestagent.resources.intake import OrderIntake
from guestagent.resources.rpc.broker_settings import BrokerSettings
from guestagent.resources.rpc.messaging import TOPIC, VERSION_ERRORS, MessageSender, MessageServer
from guestagent.resources.rpc.transport import EXCHANGE, clean_up, open_rpc_transport, oslo_messaging
from guestagent.resources.store.memory_store import MemoryStore
from guestagent.secret import Secret
from tests.unit.resources.clusters import FakeEngine

IN_MEMORY = BrokerSettings(Secret("kombu+memory://"))
WELL_FORMED: Mapping[str, object] = {"method": "capabilities", "args": {"request": {}}, "version": "1.0"}


@pytest.fixture
def server() -> Iterator[MessageServer]:
    server = MessageServer(IN_MEMORY, OrderIntake(MemoryStore(), select_engine(FakeEngine())), "checked")
    server.open()
    yield server
    server.close()


@pytest.fixture
def transport(server: MessageServer) -> Iterator[Any]:
    """The transport of a client, which sends messages as they are."""
    transport = open_rpc_transport(IN_MEMORY)
    yield transport
    clean_up(transport)


def send(transport: Any, message: Mapping[str, object]) -> Any:
    target = oslo_messaging.Target(exchange=EXCHANGE, topic=TOPIC)
    return transport._send(target, {}, dict(message), wait_for_reply=True, timeout=10)


def test_a_message_as_it_should_be_is_answered(transport: Any) -> None:
    assert "capabilities" in send(transport, WELL_FORMED)


@pytest.mark.parametrize(
    ("part", "problem"),
    [
        ({"args": []}, "arguments: expected a mapping of request, and no other, found a list"),
        ({"args": "request"}, "arguments: expected a mapping of request, and no other, found a string"),
        ({"args": None}, "arguments: expected a mapping of request, and no other, found nothing"),
        ({"args": 1}, "arguments: expected a mapping of request, and no other, found an integer"),
        ({"method": None}, "method: expected a string, found nothing"),
        ({"method": ["capabilities"]}, "method: expected a string, found a list"),
        ({"version": 1}, "version: expected a string such as 1.0, found an integer"),
        ({"version": None}, "version: expected a string such as 1.0, found nothing"),
        ({"version": "one"}, "version: expected a string such as 1.0, found another one"),
        ({"version": "1"}, "version: expected a string such as 1.0, found another one"),
        ({"version": "9" * 5000 + ".0"}, "version: expected a string such as 1.0, found another one"),
    ],
)
def test_a_part_of_another_shape_gets_a_refusal_and_no_traceback(
    transport: Any, part: Mapping[str, object], problem: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = send(transport, {**WELL_FORMED, **part})

    (described,) = answer["refusal"]["problems"]
    assert answer["refusal"]["code"] == "invalid"
    assert f"{described['path']}: expected {described['expected']}, found {described['found']}" == problem
    assert not [record for record in caplog.records if record.exc_info]


def test_a_message_without_arguments_lacks_the_request(transport: Any) -> None:
    answer = send(transport, {"method": "capabilities"})

    assert answer["refusal"]["problems"][0]["found"] == "nothing"


@pytest.mark.parametrize(
    ("part", "request_text"),
    [
        ({"method": "paint_instance"}, "paint_instance in version 1.0"),
        ({"method": "paint\ninstance" * 100}, "paint\\ninstance"),
        ({"version": "99.0"}, "capabilities in version 99.0"),
    ],
    ids=["method", "long method", "version"],
)
def test_what_the_service_does_not_know_is_one_line_in_its_log(
    transport: Any, part: Mapping[str, object], request_text: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    with pytest.raises(oslo_messaging.RemoteError) as caught:
        send(transport, {**WELL_FORMED, **part})

    (line,) = [record for record in caplog.records if record.getMessage().startswith("a message is refused")]
    assert f"the service does not know the method {request_text}" in line.getMessage()
    assert len(line.getMessage().splitlines()) == 1
    assert not [record for record in caplog.records if record.exc_info]
    assert caught.value.exc_type in VERSION_ERRORS


def test_a_service_of_another_version_is_still_told_apart(server: MessageServer) -> None:
    sender = MessageSender(IN_MEMORY, "a test", timeout_s=10, version="99.0")

    with pytest.raises(OrderRefused) as caught:
        sender.send("capabilities", {})
    sender.close()

    assert caught.value.code == "version"
