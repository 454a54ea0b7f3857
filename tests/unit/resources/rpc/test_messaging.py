"""Requests and answers through oslo.messaging's own driver, in one process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from guestagent.errors import InvalidSettings, OrderRefused, ServiceUnreachable
from guestagent.resources.intake import OrderIntake
from guestagent.resources.orders import CreateCluster
from guestagent.resources.rpc.client import ResourceClient
from guestagent.resources.rpc.messaging import BrokerSettings, MessageSender, MessageServer
from guestagent.resources.store.memory_store import MemoryStore
from guestagent.secret import Secret
from tests.unit.resources.clusters import FakeEngine, build_order, read_description

IN_MEMORY = BrokerSettings(Secret("kombu+memory://"))


@pytest.fixture
def sender() -> Iterator[MessageSender]:
    """A sender, and a service that answers it."""
    server = MessageServer(IN_MEMORY, OrderIntake(MemoryStore(), FakeEngine(), read_description), "one")
    server.open()
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


def test_without_a_service_a_call_ends_with_what_to_look_at() -> None:
    sender = MessageSender(IN_MEMORY, "a test", timeout_s=0.5)

    with pytest.raises(ServiceUnreachable, match="no answer in time: is a service running"):
        ResourceClient(sender).capabilities()

    sender.close()


def test_tls_that_verifies_nothing_is_refused() -> None:
    settings = BrokerSettings(Secret("rabbit://user:hidden@broker/vhost?ssl=1"))

    with pytest.raises(InvalidSettings, match="TLS verifies nothing without it") as caught:
        MessageSender(settings, "a test")

    assert "hidden" not in str(caught.value)


def test_the_password_of_the_broker_is_in_no_repr() -> None:
    settings = BrokerSettings(Secret("rabbit://user:hidden@broker/vhost"), Path("/ca.pem"))

    assert "hidden" not in repr(settings)
