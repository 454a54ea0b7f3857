"""One RabbitMQ for the tests of this folder, and a vhost of its own for each test."""

from __future__ import annotations

import gc
import threading
import warnings
from collections.abc import Iterator
from itertools import count

import pytest

from guestagent.resources.rpc.broker_settings import BrokerSettings
from guestagent.resources.rpc.messaging import CLOSING
from guestagent.secret import Secret
from tests.support.message_broker.broker import MessageBroker, open_broker

VHOST_NUMBERS = count(1)
CLOSING_LIMIT_S = 10.0


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MessageBroker]:
    """A broker that is the same after each test: no test stops it, or changes the administrator's password."""
    with open_broker(tmp_path_factory.mktemp("broker") / "b") as broker:
        yield broker


@pytest.fixture
def vhost(broker: MessageBroker) -> str:
    name = f"test-{next(VHOST_NUMBERS)}"
    broker.create_vhost(name)
    return name


@pytest.fixture
def settings(broker: MessageBroker, vhost: str) -> BrokerSettings:
    return BrokerSettings(Secret(broker.build_url(vhost)))


@pytest.fixture(autouse=True)
def collected_sockets() -> Iterator[None]:
    """Collect the sockets of broken connections, which amqp does not close: no other test shall be warned of them."""
    yield
    for thread in threading.enumerate():
        if thread.name == CLOSING:
            thread.join(CLOSING_LIMIT_S)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
