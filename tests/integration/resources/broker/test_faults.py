"""What becomes of orders when the broker, or a service, goes away in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from guestagent.errors import ServiceUnreachable
from guestagent.resources.intake import OrderIntake
from guestagent.resources.operation import Operation
from guestagent.resources.orders import CreateCluster
from guestagent.resources.rpc.broker_settings import BrokerSettings
from guestagent.resources.rpc.messaging import MessageServer
from guestagent.resources.store.sql_store import SqlStore
from guestagent.resources.store.store_clock import MachineClock
from guestagent.secret import Secret
from tests.support.message_broker.broker import MessageBroker, open_broker
from tests.support.message_broker.broker_clients import (
    build_creations,
    build_intake,
    closing_server,
    open_client,
    open_server,
    submit_at_once,
    submit_until_answered,
)
from tests.support.message_broker.serving_process import open_serving_process
from tests.support.orders import build_order
from tests.support.polling import wait_until
from tests.support.store_files import open_file

pytestmark = [
    pytest.mark.timeout(900),
    # amqp leaves the socket of a broken connection to the garbage collector.
    pytest.mark.filterwarnings(
        "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"
    ),
]


@pytest.fixture(scope="module")
def fragile_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MessageBroker]:
    """A broker that the tests stop and kill; each starts it again."""
    with open_broker(tmp_path_factory.mktemp("fragile") / "b") as broker:
        yield broker


@pytest.fixture
def settings(fragile_broker: MessageBroker) -> BrokerSettings:
    return BrokerSettings(Secret(fragile_broker.build_url("/")))


def check_each_has_one_operation(
    accepted: OrderIntake | SqlStore, orders: list[CreateCluster], returned: dict[str, Operation]
) -> None:
    """Check that each order has exactly the operation that its caller was told."""
    assert len(returned) == len(orders)
    for order in orders:
        assert [each.id for each in accepted.operations(order.cluster)] == [returned[order.request_id].id]


@pytest.mark.parametrize("end", [MessageBroker.stop, MessageBroker.kill], ids=["stop", "kill"])
def test_orders_are_accepted_once_over_the_end_of_the_broker(
    fragile_broker: MessageBroker, settings: BrokerSettings, end: Callable[[MessageBroker], None]
) -> None:
    intake, orders = build_intake(), build_creations(20)

    with open_server(settings, intake), open_client(settings) as client:
        client.capabilities()
        with submit_at_once(client, orders) as returned:
            end(fragile_broker)
            fragile_broker.start()

    check_each_has_one_operation(intake, orders, returned)


def test_a_service_starts_without_its_broker(
    fragile_broker: MessageBroker, settings: BrokerSettings, caplog: pytest.LogCaptureFixture
) -> None:
    fragile_broker.kill()
    with closing_server(MessageServer(settings, build_intake(), "early")) as server:
        wait_until(lambda: "Connection refused" in caplog.text)
        with open_client(settings) as client:
            with pytest.raises(ServiceUnreachable, match="Connection refused"):
                client.capabilities()
            fragile_broker.start()

            wait_until(lambda: server.is_serving)
            assert client.capabilities().engine == "fake"


def test_a_service_ends_without_its_broker(fragile_broker: MessageBroker, settings: BrokerSettings) -> None:
    with open_server(settings, build_intake()), open_client(settings) as client:
        client.capabilities()
        fragile_broker.kill()
    fragile_broker.start()


def test_a_call_ends_while_the_broker_takes_nothing(
    fragile_broker: MessageBroker, settings: BrokerSettings
) -> None:
    intake, order = build_intake(), build_order(CreateCluster, description={"replicas": 0})
    with open_server(settings, intake), open_client(settings, timeout_s=3) as client:
        client.capabilities()
        fragile_broker.evaluate("vm_memory_monitor:set_vm_memory_high_watermark({absolute, 1})")
        with pytest.raises(ServiceUnreachable):
            client.submit(order)

        fragile_broker.evaluate("vm_memory_monitor:set_vm_memory_high_watermark({absolute, 1073741824})")

        operation = submit_until_answered(client, order)
        assert [each.id for each in intake.operations("shop")] == [operation.id]


def test_a_call_ends_while_the_broker_stands_still(
    fragile_broker: MessageBroker, settings: BrokerSettings
) -> None:
    intake, order = build_intake(), build_order(CreateCluster, description={"replicas": 0})
    with open_server(settings, intake), open_client(settings, timeout_s=3) as client:
        client.capabilities()
        with fragile_broker.standing_still(), pytest.raises(ServiceUnreachable):
            client.submit(order)

        operation = submit_until_answered(client, order)

    assert [each.id for each in intake.operations("shop")] == [operation.id]


def test_a_client_gets_answers_again_after_its_reply_queue_was_deleted(
    fragile_broker: MessageBroker, settings: BrokerSettings
) -> None:
    order = build_order(CreateCluster, description={"replicas": 0})
    intake = build_intake()
    with open_server(settings, intake), open_client(settings, timeout_s=3) as client:
        client.capabilities()
        fragile_broker.delete_queues("/", "reply_")

        operation = submit_until_answered(client, order)

    assert [each.id for each in intake.operations("shop")] == [operation.id]


def test_calls_in_flight_are_accepted_once_over_the_kill_of_the_service(
    fragile_broker: MessageBroker, settings: BrokerSettings, tmp_path: Path
) -> None:
    path, orders = tmp_path / "private" / "store.db", build_creations(200)

    with ExitStack() as stack:
        client = stack.enter_context(open_client(settings, timeout_s=5))
        first = stack.enter_context(open_serving_process(settings, path))
        store = stack.enter_context(open_file(path, MachineClock()))
        with submit_at_once(client, orders) as returned:
            wait_until(lambda: len(store.clusters()) >= 20, interval_s=0.01)
            first.kill()
            accepted_by_first = len(store.clusters())
            stack.enter_context(open_serving_process(settings, path))

        assert accepted_by_first < 200
        check_each_has_one_operation(store, orders, returned)
