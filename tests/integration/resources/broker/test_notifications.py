"""Notifications of outcomes over a real RabbitMQ, and without one."""

from __future__ import annotations

import threading

import pytest

from guestagent.resources.operation import OperationState, OrderRefusal, RefusalCode
from guestagent.resources.rpc.broker_settings import BrokerSettings
from guestagent.resources.rpc.notifications import OutcomeNotifier
from guestagent.secret import Secret
from tests.support.message_broker.broker_listeners import (
    TOPIC,
    build_operation,
    listening,
    send_outcomes,
)
from tests.support.polling import wait_until

pytestmark = pytest.mark.timeout(900)
DONE = build_operation(OperationState.DONE)
FAILED = build_operation(OperationState.FAILED, refusal=OrderRefusal(RefusalCode.QUOTA, "too many"))


def test_each_outcome_is_sent_with_its_operation(settings: BrokerSettings) -> None:
    with listening(settings) as listener:
        send_outcomes(settings, build_operation(), DONE, FAILED)
        wait_until(lambda: len(listener.received) == 3)

    assert sorted(listener.received) == [
        ("resources.operation.end", "resources.host", "done"),
        ("resources.operation.error", "resources.host", "failed"),
        ("resources.operation.start", "resources.host", "running"),
    ]


def test_without_a_broker_a_notification_is_dropped_and_nothing_waits(
    caplog: pytest.LogCaptureFixture,
) -> None:
    notifier = OutcomeNotifier(
        BrokerSettings(Secret("rabbit://u:hidden@127.0.0.1:1/")), TOPIC, "resources.host"
    )
    notifier.open()

    for _ in range(2000):
        notifier.report(DONE)

    notifier.close()
    assert "operation an-id is dropped: message broker: 127.0.0.1 port 1: Connection refused" in caplog.text
    assert "hidden" not in caplog.text
    assert "notifications" not in {thread.name for thread in threading.enumerate()}
