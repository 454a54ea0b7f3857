"""Requests and answers over a real RabbitMQ."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from guestagent.errors import OrderRefused, ServiceUnreachable
from guestagent.resources.operation import Operation
from guestagent.resources.orders import CreateCluster
from guestagent.resources.rpc.answers import METHODS
from guestagent.resources.rpc.broker_settings import BrokerSettings
from guestagent.resources.rpc.client import ResourceClient
from guestagent.resources.rpc.messaging import MessageServer
from guestagent.resources.rpc.transport import reach_broker
from guestagent.secret import Secret
from tests.support.message_broker.broker import MessageBroker
from tests.support.message_broker.broker_clients import (
    build_creations,
    build_intake,
    closing_server,
    open_client,
    open_sender,
    open_server,
    submit_at_once,
)
from tests.support.orders import build_order
from tests.support.polling import wait_until

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def client(settings: BrokerSettings) -> Iterator[ResourceClient]:
    with open_server(settings, build_intake()), open_client(settings) as client:
        yield client


def test_every_method_is_answered(settings: BrokerSettings) -> None:
    with open_server(settings, build_intake()), open_sender(settings) as sender:
        answers = {method: sender.send(method, {}) for method in METHODS}

    assert all(isinstance(answer, dict) for answer in answers.values())
    codes = {name: answer["refusal"]["code"] for name, answer in answers.items() if "refusal" in answer}
    assert set(codes.values()) == {"invalid"}
    assert {name: tuple(answers[name]) for name in set(METHODS) - set(codes)} == {
        "capabilities": ("capabilities",),
        "clusters": ("clusters",),
        "audit": ("findings",),
    }


def test_an_order_is_given_waited_for_and_cancelled(client: ResourceClient) -> None:
    order = build_order(CreateCluster, description={"replicas": 1})

    operation = client.submit(order)

    assert client.submit(order) == operation == client.operation(operation.id)
    assert client.wait(operation.id, operation.sequence, 1) == operation
    assert client.operations("shop") == (operation,)
    assert client.cancel(operation.id).id == operation.id
    assert [summary.name for summary in client.clusters()] == ["shop"]


def test_several_services_share_the_requests(settings: BrokerSettings) -> None:
    first, second = build_intake(), build_intake()
    orders = build_creations(20)

    with ExitStack() as stack:
        stack.enter_context(open_server(settings, first, "first"))
        stack.enter_context(open_server(settings, second, "second"))
        client = stack.enter_context(open_client(settings))
        with submit_at_once(client, orders):
            pass

    shares = [len(intake.clusters()) for intake in (first, second)]
    assert sum(shares) == 20
    assert min(shares) > 0


@pytest.mark.parametrize(("served", "asked"), [("1.0", "1.0"), ("1.1", "1.0")])
def test_a_service_answers_callers_of_its_version_and_older_ones(
    settings: BrokerSettings, served: str, asked: str
) -> None:
    with (
        open_server(settings, build_intake(), version=served),
        open_sender(settings, version=asked) as sender,
    ):
        assert "capabilities" in sender.send("capabilities", {})


@pytest.mark.parametrize(("served", "asked"), [("1.0", "1.1"), ("2.0", "1.0")])
def test_a_caller_that_the_service_does_not_understand_is_told_so(
    settings: BrokerSettings, served: str, asked: str
) -> None:
    with (
        open_server(settings, build_intake(), version=served),
        open_sender(settings, version=asked) as sender,
        pytest.raises(OrderRefused, match=f"asked in version {asked}") as caught,
    ):
        sender.send("capabilities", {})

    assert caught.value.code == "version"


def test_a_request_that_was_taken_is_answered_before_the_service_ends(settings: BrokerSettings) -> None:
    intake, answers = build_intake(), list[Operation]()
    operation = intake.submit(build_order(CreateCluster, description={"replicas": 0}))
    server = MessageServer(settings, intake, "one")
    server.open()
    wait_until(lambda: server.is_serving)
    with open_client(settings) as client:
        client.operation(operation.id)
        waiting = threading.Thread(
            target=lambda: answers.append(client.wait(operation.id, operation.sequence, 3))
        )
        waiting.start()
        waiting.join(0.5)

        server.close()

        waiting.join()
    assert answers == [operation]


def test_quorum_queues_in_a_vhost_of_their_own(settings: BrokerSettings, broker: MessageBroker) -> None:
    settings = BrokerSettings(settings.url, quorum_queues=True)

    with open_server(settings, build_intake()), open_client(settings) as client:
        assert client.capabilities().engine == "fake"


def test_services_that_disagree_on_quorum_queues_are_told_why(
    settings: BrokerSettings, caplog: pytest.LogCaptureFixture
) -> None:
    with open_server(settings, build_intake()):
        other = MessageServer(BrokerSettings(settings.url, quorum_queues=True), build_intake(), "other")
        with closing_server(other):
            wait_until(lambda: "the broker refused: PRECONDITION_FAILED" in caplog.text)

    assert not other.is_serving


def test_a_wrong_password_is_named_and_a_corrected_one_is_enough(
    broker: MessageBroker, vhost: str, caplog: pytest.LogCaptureFixture
) -> None:
    right = broker.create_account(vhost, f"late-{vhost}", ".*", ".*", ".*")
    settings = BrokerSettings(Secret(broker.build_url(vhost, f"late-{vhost}", "another")))
    with closing_server(MessageServer(settings, build_intake(), "one")) as server:
        wait_until(lambda: "refused the account" in caplog.text)
        with open_client(settings) as client, pytest.raises(ServiceUnreachable, match="refused the account"):
            client.capabilities()

        broker.change_password(f"late-{vhost}", "another")

        wait_until(lambda: server.is_serving)
        with open_client(settings) as client:
            assert client.capabilities().engine == "fake"
    assert right not in caplog.text
    assert "another@" not in caplog.text


def test_without_a_service_the_caller_is_told_so_at_once(settings: BrokerSettings) -> None:
    with (
        open_client(settings) as client,
        pytest.raises(ServiceUnreachable, match="no service takes requests"),
    ):
        client.capabilities()


def test_a_caller_of_a_service_that_has_ended_is_told_what_to_look_at(settings: BrokerSettings) -> None:
    with open_server(settings, build_intake()):
        pass

    with (
        open_client(settings, timeout_s=1) as client,
        pytest.raises(ServiceUnreachable, match="is a service running"),
    ):
        client.capabilities()


def test_a_look_at_the_health_of_the_connection_leaves_no_line_in_the_log(
    broker: MessageBroker, settings: BrokerSettings
) -> None:
    before = broker.read_log()

    reach_broker(settings)
    broker.evaluate("timer:sleep(200)")

    assert "client unexpectedly closed" not in broker.read_log().removeprefix(before)
