"""The message broker: serves requests, and sends them. Only this file imports oslo.messaging.

RPC is at most once: a request that a killed service had taken is never run again. So a request only writes an order
down, and a client that gets no answer asks again with the same request id.
"""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from guestagent.errors import InvalidSettings, OrderRefused, Problem, ServiceUnreachable
from guestagent.resources.interface import ResourceManager
from guestagent.resources.operation import RefusalCode
from guestagent.resources.rpc.answers import METHODS, answer_request
from guestagent.secret import Secret

with warnings.catch_warnings():
    # It imports eventlet where that is installed, and that warns of itself. Threads are used here.
    warnings.simplefilter("ignore")
    import oslo_messaging
    from oslo_config import cfg

LOG = logging.getLogger(__name__)
TOPIC = "guestagent-resources"
VERSION = "1.0"
ANSWER_TIMEOUT_S = 30.0
"""Longer than a wait of 20 seconds. The library's own timeout does not cover connecting to the broker."""
CONNECT_ALLOWANCE_S = 5.0


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """The broker. `url` has its password; `authority` is the CA of its certificate, without which TLS is refused."""

    url: Secret
    authority: Path | None = None
    quorum_queues: bool = False


class MessageServer:
    """Serves the requests of one process. `name` is unique among the processes of the topic."""

    def __init__(self, settings: BrokerSettings, manager: ResourceManager, name: str) -> None:
        self._transport = _open_transport(settings)
        self._server = oslo_messaging.get_rpc_server(
            self._transport,
            oslo_messaging.Target(topic=TOPIC, server=name),
            [_build_endpoint(manager)],
            access_policy=oslo_messaging.ExplicitRPCAccessPolicy,
        )

    def open(self) -> None:
        """Start to serve; the library connects, and connects again, by itself."""
        self._server.start()

    def close(self) -> None:
        """Take no more requests, and return when those that were taken are answered."""
        self._server.stop()
        self._server.wait()
        self._transport.cleanup()


class MessageSender:
    """A RequestChannel over the broker. `caller` is shown in the service's log; it proves nothing."""

    def __init__(self, settings: BrokerSettings, caller: str, timeout_s: float = ANSWER_TIMEOUT_S) -> None:
        self._transport = _open_transport(settings)
        self._timeout_s, self._caller = timeout_s, caller
        self._client = oslo_messaging.get_rpc_client(
            self._transport,
            oslo_messaging.Target(topic=TOPIC, version=VERSION),
            timeout=timeout_s,
            version_cap=VERSION,
        )

    def send(self, method: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        call = _Call(self._client, self._caller, method, dict(request))
        thread = threading.Thread(target=call.run, name=f"rpc {method}", daemon=True)
        thread.start()
        thread.join(self._timeout_s + CONNECT_ALLOWANCE_S)
        return call.get_answer()

    def close(self) -> None:
        self._transport.cleanup()


class _Call:
    """One call in a thread of its own, because nothing else ends the library's attempts to connect."""

    def __init__(self, client: Any, caller: str, method: str, request: dict[str, Any]) -> None:
        self._client, self._caller, self._method, self._request = client, caller, method, request
        self._answer: Mapping[str, Any] | None = None
        self._error: Exception | None = None

    def run(self) -> None:
        try:
            self._answer = self._client.call({"caller": self._caller}, self._method, request=self._request)
        except Exception as error:  # noqa: BLE001 - shown by get_answer, in the caller's thread
            self._error = error

    def get_answer(self) -> Mapping[str, Any]:
        """Return the answer, or raise what the caller has to know."""
        if isinstance(self._answer, Mapping):
            return self._answer
        error = self._error
        if isinstance(error, oslo_messaging.RemoteError) and error.exc_type in {
            "NoSuchMethod",
            "UnsupportedVersion",
        }:
            raise OrderRefused(RefusalCode.VERSION, f"the service does not know {self._method}: it is older")
        if error is None:
            reason = "no connection to the broker, or no answer"
        elif isinstance(error, oslo_messaging.MessagingTimeout):
            reason = "no answer in time: is a service running?"
        else:
            reason = type(error).__name__
        raise ServiceUnreachable(f"resource manager: {reason}") from None


def _build_endpoint(manager: ResourceManager) -> object:
    """Build the object whose methods are served: one for each kind of request, and no other."""

    def build_method(name: str) -> Any:
        def serve(self: object, context: Mapping[str, Any], request: object) -> dict[str, Any]:
            LOG.info("%s from %s", name, context.get("caller"))
            return answer_request(manager, name, request)

        return oslo_messaging.expose(serve)

    methods = {name: build_method(name) for name in METHODS}
    return type("ResourceEndpoint", (), {"target": oslo_messaging.Target(version=VERSION), **methods})()


def _open_transport(settings: BrokerSettings) -> Any:
    check_broker(settings)
    conf = cfg.CONF  # of another object the library would miss options of its own
    conf([], project="guestagent", default_config_files=[], default_config_dirs=[])
    transport = oslo_messaging.get_rpc_transport(conf, url=settings.url.reveal())
    if settings.authority is not None or settings.quorum_queues:
        group = "oslo_messaging_rabbit"
        conf.set_override("ssl", settings.authority is not None, group=group)
        if settings.authority is not None:
            conf.set_override("ssl_ca_file", str(settings.authority), group=group)
        conf.set_override("rabbit_quorum_queue", settings.quorum_queues, group=group)
        conf.set_override("amqp_durable_queues", settings.quorum_queues, group=group)
        transport = oslo_messaging.get_rpc_transport(conf, url=settings.url.reveal())
    return transport


def check_broker(settings: BrokerSettings) -> None:
    """Raise InvalidSettings for a broker whose certificate nobody would verify."""
    parts = urlsplit(settings.url.reveal())
    if parts.scheme == "rabbit" and "ssl=1" in parts.query and settings.authority is None:
        raise InvalidSettings(
            [
                Problem(
                    "broker.authority",
                    "the CA of the broker's certificate (PEM)",
                    "none",
                    "TLS verifies nothing without it",
                )
            ]
        )
