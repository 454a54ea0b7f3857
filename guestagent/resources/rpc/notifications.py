"""Notifications of the outcomes of operations, to the message broker. Best effort: nothing waits for one.

Each is sent once, from a thread of its own. What cannot be sent is dropped.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Mapping

from guestagent.errors import ServiceUnreachable
from guestagent.resources.operation import Operation, OperationState
from guestagent.resources.operation_document import dump_operation
from guestagent.resources.rpc.broker_settings import BrokerSettings
from guestagent.resources.rpc.transport import (
    BROKER_ERRORS,
    OutcomeChannel,
    describe_broker_error,
    reach_broker,
)

LOG = logging.getLogger(__name__)
WAITING_LIMIT = 1000
END_S = 5.0
"""How long the end of the service waits for what is not sent yet."""
EVENT_TYPES: Mapping[OperationState, str] = {
    OperationState.RUNNING: "resources.operation.start",
    OperationState.DONE: "resources.operation.end",
    OperationState.CANCELLED: "resources.operation.end",
    OperationState.FAILED: "resources.operation.error",
}


class OutcomeNotifier:
    """Sends a notification for each operation that begins or ends."""

    def __init__(self, settings: BrokerSettings, topic: str, publisher: str) -> None:
        self._settings = settings
        self._channel = OutcomeChannel(settings, topic, publisher)
        self._waiting: queue.Queue[Operation | None] = queue.Queue(WAITING_LIMIT)
        self._thread = threading.Thread(target=self._send_all, name="notifications", daemon=True)

    def open(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Send what waits, for a few seconds at most."""
        try:
            self._waiting.put(None, timeout=END_S)
        except queue.Full:
            return
        self._thread.join(END_S)

    def report(self, operation: Operation) -> None:
        """Have a notification sent, unless too many wait."""
        if operation.state in EVENT_TYPES:
            try:
                self._waiting.put_nowait(operation)
            except queue.Full:
                LOG.warning("the notification of operation %s is dropped: too many wait", operation.id)

    def _send_all(self) -> None:
        while (operation := self._waiting.get()) is not None:
            try:
                reach_broker(self._settings)
                self._channel.send(EVENT_TYPES[operation.state], dump_operation(operation))
            except ServiceUnreachable as error:
                LOG.warning("the notification of operation %s is dropped: %s", operation.id, error)
            except BROKER_ERRORS as error:
                reason = describe_broker_error(error)
                LOG.warning("the notification of operation %s is dropped: %s", operation.id, reason)
        self._channel.close()
