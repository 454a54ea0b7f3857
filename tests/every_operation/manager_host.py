"""A host for one service of the resource manager after another, with a real message broker before them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from guestagent.resources.rpc.broker_settings import BrokerSettings
from guestagent.resources.rpc.client import ResourceClient
from guestagent.resources.rpc.messaging import MessageSender
from guestagent.secret import Secret
from tests.support.database_servers import find_free_port
from tests.support.message_broker.broker import MessageBroker
from tests.support.polling import wait_until
from tests.support.served_manager import ServedManager

HEALTH_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class ManagerHost:
    """The store, keys and addresses of all its services are the same."""

    login: Mapping[str, Any]
    broker: MessageBroker
    folder: Path
    endpoint_port: int = field(default_factory=find_free_port)

    @contextmanager
    def serve(self, engine: str) -> Iterator[ResourceClient]:
        """Run `guestagent resources serve` with one engine, and yield a client that reaches it through the broker."""
        url = self.broker.build_url()
        options = {"resources": f"engine = {engine}", "broker": f"url = {url}"}
        service = ServedManager(self.folder, self.login, options, endpoint_port=self.endpoint_port)
        service.start()
        sender = MessageSender(BrokerSettings(Secret(url)), "every-operation")
        try:
            wait_until(lambda: service.read_page("/healthz").status_code == 200, HEALTH_TIMEOUT_S)
            yield ResourceClient(sender)
        finally:
            sender.close()
            exit_code = service.stop()
        assert exit_code == 0, service.log
