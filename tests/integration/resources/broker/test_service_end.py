"""The service as a process with a broker: it ends while callers wait, and answers them first."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from guestagent.embedded import serving
from guestagent.resources.operation import Operation, OperationState
from guestagent.resources.orders import CreateCluster
from guestagent.resources.rpc.broker_settings import BrokerSettings
from guestagent.resources.rpc.client import ResourceClient
from guestagent.resources.rpc.messaging import MessageSender
from tests.support.orders import LONE_SOURCE, build_order
from tests.support.polling import wait_until
from tests.support.served_manager import serve_manager

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]


def test_callers_who_wait_are_answered_when_the_service_ends(
    settings: BrokerSettings, tmp_path: Path
) -> None:
    options = {"resources": "engine = natives", "broker": f"url = {settings.url.reveal()}"}
    answers: list[Operation] = []
    sender = MessageSender(settings, "a test")
    client = ResourceClient(sender)

    def wait_for_long(operation: Operation) -> None:
        answers.append(client.wait(operation.id, operation.sequence + 1000, 20))

    with serving() as cloud, serve_manager(tmp_path, cloud.connect, options) as service:
        service.start()
        # No guest signals, so the creation goes on.
        operation = client.submit(build_order(CreateCluster, description=LONE_SOURCE))
        wait_until(lambda: client.operation(operation.id).step.startswith("create the server"))
        health = service.read_page("/healthz")
        waiter = threading.Thread(target=wait_for_long, args=(operation,))
        waiter.start()
        time.sleep(1)  # the service has the request then
        started_at = time.monotonic()

        assert service.stop() == 0

        assert time.monotonic() - started_at < 15
        waiter.join(30)
    sender.close()
    assert health.json()["checks"]["broker"] == {"status": "ok", "detail": "connected"}
    assert [answer.state for answer in answers] == [OperationState.RUNNING]
