"""Requests and answers through oslo.messaging's own driver, in one process."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from guestagent.errors import InvalidSettings, OrderRefused, ServiceUnreachable
from guestagent.resources.engine_selection import select_engine
from guestagent.resources.intake import OrderIntake
from guestagent.resources.orders import CreateCluster
from guestagent.resources.rpc.broker_settings import BrokerSettings, check_broker
from guestagent.resources.rpc.client import ResourceClient
from guestagent.resources.rpc.messaging import (
    LONG_WAITS_LIMIT,
    LOOKS_LIMIT,
    SHORT_WAIT_PAUSE_S,
    MessageSender,
    MessageServer,
)
from guestagent.resources.store.memory_store import MemoryStore
from guestagent.resources.views import AuditFinding
from guestagent.secret import Secret
from tests.support.orders import build_order
from tests.support.polling import wait_until
from tests.unit.resources.clusters import FakeEngine

IN_MEMORY = BrokerSettings(Secret("kombu+memory://"))


@pytest.fixture
def sender() -> Iterator[MessageSender]:
    """A sender, and a service that answers it."""
    server = MessageServer(IN_MEMORY, OrderIntake(MemoryStore(), select_engine(FakeEngine())), "one")
    server.open()
    assert server.is_serving
    sender = MessageSender(IN_MEMORY, "a test", timeout_s=10)
    yield sender
    sender.close()
    server.close()


def test_an_order_goes_through_the_broker(sender: MessageSender) -> None:
    client, order = ResourceClient(sender), build_order(CreateCluster, description={"replicas": 1})

    operation = client.submit(order)

    assert client.submit(order) == operation
    assert client.operations("shop") == (operation,)


def test_a_refusal_comes_back_as_one(sender: MessageSender) -> None:
    with pytest.raises(OrderRefused, match="there is no operation none"):
        ResourceClient(sender).operation("none")


def test_a_method_that_the_service_does_not_know_is_a_version(sender: MessageSender) -> None:
    with pytest.raises(OrderRefused, match="does not know paint_instance") as caught:
        sender.send("paint_instance", {})

    assert caught.value.code == "version"


def test_nothing_else_of_the_service_can_be_called(sender: MessageSender) -> None:
    for method in ("__init__", "serve", "target", "_send"):
        with pytest.raises(OrderRefused):
            sender.send(method, {})


def test_calls_at_once_are_all_answered(sender: MessageSender) -> None:
    client, ids = ResourceClient(sender), set[str]()

    def submit(number: int) -> None:
        order = build_order(CreateCluster, cluster=f"shop-{number}", description={"replicas": 1})
        ids.add(client.submit(order).id)

    threads = [threading.Thread(target=submit, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(ids) == 20


def test_many_who_wait_leave_threads_to_orders(sender: MessageSender) -> None:
    client, pauses = ResourceClient(sender), list[float]()
    operation = client.submit(build_order(CreateCluster, description={"replicas": 1}))
    waiters = [
        threading.Thread(
            target=ResourceClient(sender, pauses.append).wait, args=(operation.id, operation.sequence, 3)
        )
        for _ in range(LONG_WAITS_LIMIT + 8)
    ]
    for waiter in waiters:
        waiter.start()

    wait_until(lambda: len([pause for pause in pauses if pause]) == 8)
    for waiter in waiters:
        waiter.join()

    assert sorted(pauses)[-8:] == [SHORT_WAIT_PAUSE_S] * 8


def test_without_a_service_a_call_ends_with_what_to_look_at() -> None:
    sender = MessageSender(IN_MEMORY, "a test", timeout_s=0.5)

    with pytest.raises(ServiceUnreachable, match="no answer in time: is a service running"):
        ResourceClient(sender).capabilities()

    sender.close()


@pytest.mark.parametrize(
    "end", ["?ssl=1", "?ssl_ca_file=/other.pem", "?ssl=on&ssl_enforce_hostname_verification=0", "#more"]
)
def test_a_url_that_could_turn_verification_off_is_refused(end: str) -> None:
    settings = BrokerSettings(Secret(f"rabbit://user:hidden@broker/vhost{end}"), Path("/ca.pem"))

    with pytest.raises(InvalidSettings, match="a URL without \\? and #") as caught:
        check_broker(settings)

    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("url", ["amqp://user:hidden@broker", "kombu+redis://user:hidden@broker", "broker"])
def test_the_url_of_another_kind_of_broker_is_refused(url: str) -> None:
    with pytest.raises(InvalidSettings, match="rabbit://user:password@host:port/vhost") as caught:
        check_broker(BrokerSettings(Secret(url)))

    assert "hidden" not in str(caught.value)


def test_tls_without_a_readable_authority_is_refused(tmp_path: Path) -> None:
    settings = BrokerSettings(Secret("rabbit://user:hidden@broker/vhost"), tmp_path / "missing.pem")

    with pytest.raises(InvalidSettings, match="a readable file of certificates"):
        MessageSender(settings, "a test")


@pytest.mark.parametrize(
    ("url", "authority", "is_in_clear"),
    [
        ("rabbit://u:p@broker:5672/v", None, True),
        ("rabbit://u:p@127.0.0.1:5672,u:p@broker/v", None, True),
        ("rabbit://u:p@broker:5671/v", Path("/ca.pem"), False),
        ("rabbit://u:p@127.0.0.1:5672,u:p@[::1]:5672/v", None, False),
        ("rabbit://u:p@localhost/v", None, False),
        ("kombu+memory://", None, False),
    ],
)
def test_a_password_in_clear_is_recognised(url: str, authority: Path | None, is_in_clear: bool) -> None:
    assert BrokerSettings(Secret(url), authority).is_in_clear is is_in_clear


def test_the_password_of_the_broker_is_in_no_repr() -> None:
    settings = BrokerSettings(Secret("rabbit://user:hidden@broker/vhost"), Path("/ca.pem"))

    assert "hidden" not in repr(settings)


def test_a_caller_writes_no_lines_of_its_own_into_the_log(
    sender: MessageSender, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    liar = MessageSender(IN_MEMORY, "me\nclusters from root" + "x" * 10_000, timeout_s=10)

    ResourceClient(liar).clusters()
    liar.close()

    messages = [record.getMessage() for record in caplog.records]
    (line,) = [message for message in messages if "from root" in message]
    assert line.startswith(r"clusters from me\nclusters from root")
    assert len(line) < 200


@pytest.mark.parametrize("arguments", [{}, {"request": {}, "extra": 1}, {"request": {}, "context": 1}])
def test_a_message_of_another_shape_gets_an_answer_and_no_traceback(
    sender: MessageSender, arguments: dict[str, object]
) -> None:
    answer = sender._client.call({}, "wait", **arguments)

    assert answer["refusal"]["code"] == "invalid"


def test_many_who_look_into_a_slow_cloud_leave_threads_to_orders() -> None:
    class SlowManager(OrderIntake):
        def audit(self) -> Sequence[AuditFinding]:
            looking.release()
            answered.wait(30)
            return ()

    looking, answered = threading.Semaphore(0), threading.Event()
    server = MessageServer(IN_MEMORY, SlowManager(MemoryStore(), select_engine(FakeEngine())), "slow")
    server.open()
    sender = MessageSender(IN_MEMORY, "a test", timeout_s=20)
    client = ResourceClient(sender)
    lookers = [threading.Thread(target=client.audit) for _ in range(LOOKS_LIMIT)]
    for looker in lookers:
        looker.start()
        assert looking.acquire(timeout=30)

    with pytest.raises(OrderRefused, match="callers wait for the cloud already") as caught:
        client.audit()
    operation = client.submit(build_order(CreateCluster, description={"replicas": 1}))
    answered.set()
    for looker in lookers:
        looker.join()
    sender.close()
    server.close()

    assert caught.value.code == "busy"
    assert operation.kind == "create_cluster"
