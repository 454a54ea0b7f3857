"""Services and clients on a real broker, and what a client does until it has an answer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from guestagent.errors import ServiceUnreachable
from guestagent.resources.engine_selection import select_engine
from guestagent.resources.intake import OrderIntake
from guestagent.resources.interface import INTERFACE_VERSION, ResourceManager
from guestagent.resources.operation import Operation
from guestagent.resources.orders import CreateCluster
from guestagent.resources.rpc.broker_settings import BrokerSettings
from guestagent.resources.rpc.client import ResourceClient
from guestagent.resources.rpc.messaging import MessageSender, MessageServer
from guestagent.resources.store.memory_store import MemoryStore
from tests.support.orders import build_order
from tests.support.polling import wait_until
from tests.unit.resources.clusters import FakeEngine

ANSWER_LIMIT_S = 400.0


def build_intake(engine: FakeEngine | None = None) -> OrderIntake:
    return OrderIntake(MemoryStore(), select_engine(engine or FakeEngine()))


@contextmanager
def open_server(
    settings: BrokerSettings,
    manager: ResourceManager,
    name: str = "one",
    version: str = INTERFACE_VERSION,
) -> Iterator[MessageServer]:
    """Serve a manager, from the moment at which it takes requests."""
    with closing_server(MessageServer(settings, manager, name, version)) as server:
        wait_until(lambda: server.is_serving)
        yield server


@contextmanager
def closing_server(server: MessageServer) -> Iterator[MessageServer]:
    """Open a server, whether or not it can take requests now, and close it."""
    server.open()
    try:
        yield server
    finally:
        server.close()


@contextmanager
def open_sender(
    settings: BrokerSettings, timeout_s: float = 20.0, version: str = INTERFACE_VERSION
) -> Iterator[MessageSender]:
    sender = MessageSender(settings, "a test", timeout_s, version)
    try:
        yield sender
    finally:
        sender.close()


@contextmanager
def open_client(settings: BrokerSettings, timeout_s: float = 20.0) -> Iterator[ResourceClient]:
    with open_sender(settings, timeout_s) as sender:
        yield ResourceClient(sender)


def submit_until_answered(client: ResourceClient, order: CreateCluster) -> Operation:
    """Give an order, and give it again with the same id until there is an answer."""
    deadline = time.monotonic() + ANSWER_LIMIT_S
    while True:
        try:
            return client.submit(order)
        except ServiceUnreachable:
            assert time.monotonic() < deadline, "no answer"
            time.sleep(0.2)


def build_creations(number: int) -> list[CreateCluster]:
    """Return orders for that many clusters."""
    return [
        build_order(CreateCluster, cluster=f"c{each}", description={"replicas": 0}) for each in range(number)
    ]


@contextmanager
def submit_at_once(client: ResourceClient, orders: list[CreateCluster]) -> Iterator[dict[str, Operation]]:
    """Give each order in a thread of its own. What they returned, by request id, is there after the block."""
    returned: dict[str, Operation] = {}
    with ThreadPoolExecutor(len(orders)) as pool:
        calls = {order.request_id: pool.submit(submit_until_answered, client, order) for order in orders}
        yield returned
    returned.update({request_id: call.result() for request_id, call in calls.items()})
