"""Notifications of outcomes: sent, and listened to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from guestagent.resources.operation import Operation, OperationState
from guestagent.resources.oslo_options import get_library_options
from guestagent.resources.rpc.broker_settings import BrokerSettings
from guestagent.resources.rpc.notifications import OutcomeNotifier
from guestagent.resources.rpc.transport import oslo_messaging

TOPIC = "outcomes"
PUBLISHER = "resources.host"


class Listener:
    """Keeps the notifications of both priorities."""

    def __init__(self) -> None:
        self.received: list[tuple[str, str, str]] = []

    def info(self, context: object, publisher: str, event: str, payload: Any, metadata: object) -> None:
        self.received.append((event, publisher, payload["state"]))

    error = info


@contextmanager
def listening(settings: BrokerSettings) -> Iterator[Listener]:
    transport = oslo_messaging.get_notification_transport(get_library_options(), url=settings.url.reveal())
    listener = Listener()
    server = oslo_messaging.get_notification_listener(
        transport, [oslo_messaging.Target(topic=TOPIC)], [listener], executor="threading"
    )
    server.start()
    yield listener
    server.stop()
    server.wait()
    transport.cleanup()


def send_outcomes(settings: BrokerSettings, *operations: Operation) -> None:
    """Have a notification of each operation sent."""
    notifier = OutcomeNotifier(settings, TOPIC, PUBLISHER)
    notifier.open()
    for operation in operations:
        notifier.report(operation)
    notifier.close()


def build_operation(state: OperationState = OperationState.RUNNING, **values: Any) -> Operation:
    return Operation(
        id="an-id",
        request_id="a-request",
        cluster="shop",
        kind="renew_instance",
        state=state,
        sequence=2,
        accepted_at=1_800_000_000.0,
        **values,
    )
