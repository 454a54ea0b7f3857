"""What the accounts of a service and of its callers need in a vhost, as the page on resources tells."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from guestagent.errors import ServiceUnreachable
from guestagent.resources.rpc.broker_settings import BrokerSettings
from guestagent.resources.rpc.messaging import MessageServer
from guestagent.secret import Secret
from tests.support.message_broker.broker import MessageBroker
from tests.support.message_broker.broker_clients import build_intake, closing_server, open_client, open_server
from tests.support.message_broker.broker_listeners import build_operation, listening, send_outcomes
from tests.support.polling import wait_until

pytestmark = pytest.mark.timeout(900)
PAGE = Path(__file__).parents[4] / "docs" / "explanation" / "resources.md"
NOTHING = "^$"


def read_permissions(account: str) -> list[str]:
    """Return the patterns for configure, write and read that the page gives for an account."""
    row = next(line for line in PAGE.read_text().splitlines() if line.startswith(f"| {account} |"))
    return re.findall(r"`([^`]+)`", row.replace("\\|", "|"))[-3:]


def open_settings(broker: MessageBroker, vhost: str, account: str, *permissions: str) -> BrokerSettings:
    name = f"{account}-{vhost}"
    escaped = [pattern.replace("\\", "\\\\") for pattern in permissions]
    password = broker.create_account(vhost, name, *escaped)
    return BrokerSettings(Secret(broker.build_url(vhost, name, password)))


def test_the_permissions_of_the_page_are_enough(broker: MessageBroker, vhost: str) -> None:
    service = open_settings(broker, vhost, "service", *read_permissions("service"))
    caller = open_settings(broker, vhost, "caller", *read_permissions("caller"))

    with open_server(service, build_intake()), open_client(caller) as client:
        assert client.capabilities().engine == "fake"


def test_the_permissions_for_notifications_are_enough(broker: MessageBroker, vhost: str) -> None:
    row = "service with notifications to `outcomes`"
    service = open_settings(broker, vhost, "service", *read_permissions(row))
    administrator = BrokerSettings(Secret(broker.build_url(vhost)))

    with listening(administrator) as listener, open_server(service, build_intake()):
        send_outcomes(service, build_operation())
        wait_until(lambda: len(listener.received) == 1)


def test_a_caller_cannot_take_the_requests_of_others(
    broker: MessageBroker, vhost: str, caplog: pytest.LogCaptureFixture
) -> None:
    caller = open_settings(broker, vhost, "thief", *read_permissions("caller"))
    thief = MessageServer(caller, build_intake(), "thief")

    with closing_server(thief):
        wait_until(lambda: "refused the account" in caplog.text)

    assert not thief.is_serving


@pytest.mark.parametrize("lacking", [0, 1, 2])
def test_a_caller_with_fewer_permissions_is_told_so(broker: MessageBroker, vhost: str, lacking: int) -> None:
    permissions = read_permissions("caller")
    permissions[lacking] = NOTHING
    caller = open_settings(broker, vhost, "caller", *permissions)

    with (
        open_server(BrokerSettings(Secret(broker.build_url(vhost))), build_intake()),
        open_client(caller, timeout_s=5) as client,
        pytest.raises(ServiceUnreachable, match="resource manager: "),
    ):
        client.capabilities()


def test_an_account_without_the_vhost_is_told_so(broker: MessageBroker, vhost: str) -> None:
    elsewhere = open_settings(broker, vhost, "guest", ".*", ".*", ".*")
    settings = BrokerSettings(Secret(elsewhere.url.reveal().replace(f"/{vhost}", "/missing")))

    with open_client(settings) as client, pytest.raises(ServiceUnreachable, match="refused the vhost"):
        client.capabilities()
