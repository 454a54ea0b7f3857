"""A copy of every message that goes through a vhost, by RabbitMQ's own tracing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import amqp

from tests.support.message_broker.broker import ADMINISTRATOR, HOST, MessageBroker

TRACE_EXCHANGE = "amq.rabbitmq.trace"


class BrokerTap:
    """Keeps the bodies and headers of all messages."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []

    def keep(self, message: Any) -> None:
        body = message.body.encode() if isinstance(message.body, str) else bytes(message.body)
        self.messages.append(body + repr(message.headers).encode())


@contextmanager
def tap_broker(broker: MessageBroker, vhost: str) -> Iterator[BrokerTap]:
    """Copy all messages of a vhost for the length of the block."""
    tap, stopping = BrokerTap(), threading.Event()
    address = f"{HOST}:{broker.port}"
    with amqp.Connection(address, ADMINISTRATOR, broker.password, virtual_host=vhost) as connection:
        channel = connection.channel()
        channel.queue_declare("tap", exclusive=True)
        channel.queue_bind("tap", TRACE_EXCHANGE, "#")
        channel.basic_consume("tap", no_ack=True, callback=tap.keep)

        def run() -> None:
            while not stopping.is_set():
                try:
                    connection.drain_events(timeout=0.2)
                except TimeoutError:
                    continue

        broker.evaluate(f'rabbit_trace:start(<<"{vhost}">>)')
        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield tap
        finally:
            stopping.set()
            thread.join()
            broker.evaluate(f'rabbit_trace:stop(<<"{vhost}">>)')
