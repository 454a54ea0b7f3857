"""The message broker: serves requests, and sends them.

RPC is at most once: a request that a killed service had taken is never run again. So a request only writes an order
down, and a client that gets no answer asks again with the same request id.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from typing import Any

from guestagent.errors import OrderRefused, ServiceUnreachable
from guestagent.resources.interface import INTERFACE_VERSION, ResourceManager
from guestagent.resources.operation import RefusalCode
from guestagent.resources.rpc.answers import METHODS, answer_call, build_busy_answer
from guestagent.resources.rpc.broker_settings import BrokerSettings
from guestagent.resources.rpc.message_check import CheckedDispatcher
from guestagent.resources.rpc.transport import (
    BROKER_ERRORS,
    EXCHANGE,
    clean_up,
    describe_broker_error,
    open_rpc_transport,
    oslo_messaging,
    probe_broker,
)
from guestagent.text_escaping import escape_line

LOG = logging.getLogger(__name__)
TOPIC = "guestagent-resources"
ANSWER_TIMEOUT_S = 30.0
"""Longer than a wait of 20 seconds."""
CONNECT_ALLOWANCE_S = 5.0
SEND_RETRIES = 4
"""They take 20 seconds. Without a limit a request would be sent long after its caller has given up."""
VERSION_ERRORS = frozenset({"NoSuchMethod", "UnsupportedVersion"})
RECONNECT_PAUSE_S = 5.0
CLOSING = "broker closing"
CLOSE_END_S = 0.5
CONNECT_END_S = 5.0
"""How long the end of the service waits for an attempt to connect."""
FIRST_CONNECT_S = 20.0
"""How long the start of the service waits for its first attempt, so that a service that is ready takes requests."""
REQUEST_THREADS = 40
"""Each looks up once a second, also at rest: many cost more than they serve, since the store has eight connections."""
LONG_WAITS_LIMIT = 20
"""Callers that wait at once. The rest of the threads are left to orders: other callers are answered at once."""
LOOKS_LIMIT = 8
"""Callers at once for whom the service looks into the cloud, which may take minutes to answer."""
LOOKS = frozenset({"instances", "security_groups", "owner", "preflight", "audit"})
SHORT_WAIT_PAUSE_S = 1
"""What such a caller does before it asks again."""
CALLER_LIMIT = 100  # characters that are logged


class MessageServer:
    """Serves the requests of one process. `name` is unique among the processes of the topic.

    The service does not depend on the broker: it runs without, and its requests are taken when there is one.
    """

    def __init__(
        self, settings: BrokerSettings, manager: ResourceManager, name: str, version: str = INTERFACE_VERSION
    ) -> None:
        self._settings, self._name = settings, name
        self._endpoint = _build_endpoint(manager, version)
        self._transport = open_rpc_transport(settings)
        self._server: Any = None
        self._closing, self._was_tried = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._connect, name="broker", daemon=True)

    @property
    def is_serving(self) -> bool:
        """Whether requests have been taken from the broker since `open`."""
        return self._server is not None

    def open(self) -> None:
        """Try to connect, and go on trying beside the rest of the service if that fails.

        The library connects again by itself afterwards.
        """
        if self._settings.is_in_clear:
            LOG.warning(
                "message broker: without broker.authority its password goes over the network in clear"
            )
        self._thread.start()
        self._was_tried.wait(FIRST_CONNECT_S)

    def close(self) -> None:
        """Take no more requests, and return when those that were taken are answered."""
        self._closing.set()
        self._thread.join(CONNECT_END_S)
        if self._server is not None:
            self._server.stop()
            self._server.wait()
            clean_up(self._transport)

    def _connect(self) -> None:
        while not self._try_to_serve():
            self._was_tried.set()
            if self._closing.wait(RECONNECT_PAUSE_S):
                return
        self._was_tried.set()

    def _try_to_serve(self) -> bool:
        server = oslo_messaging.get_rpc_server(
            self._transport,
            oslo_messaging.Target(exchange=EXCHANGE, topic=TOPIC, server=self._name),
            [self._endpoint],
            access_policy=oslo_messaging.ExplicitRPCAccessPolicy,
        )
        server.dispatcher = CheckedDispatcher(server.dispatcher)
        try:
            probe_broker(self._settings)
            server.start(override_pool_size=REQUEST_THREADS)
        except (ServiceUnreachable, *BROKER_ERRORS) as error:
            reason = error if isinstance(error, ServiceUnreachable) else describe_broker_error(error)
            LOG.error("no requests are taken, next try in %g s: %s", RECONNECT_PAUSE_S, reason)
            return False
        self._server = server
        LOG.info("requests are taken from the message broker")
        return True


class MessageSender:
    """A RequestChannel over the broker. `caller` is shown in the service's log; it proves nothing."""

    def __init__(
        self,
        settings: BrokerSettings,
        caller: str,
        timeout_s: float = ANSWER_TIMEOUT_S,
        version: str = INTERFACE_VERSION,
    ) -> None:
        self._settings, self._transport = settings, open_rpc_transport(settings)
        self._timeout_s, self._caller, self._version = timeout_s, caller, version
        self._is_connected = False
        self._client = oslo_messaging.get_rpc_client(
            self._transport,
            oslo_messaging.Target(exchange=EXCHANGE, topic=TOPIC, version=version),
            timeout=timeout_s,
            version_cap=version,
            retry=SEND_RETRIES,
            # Without a service there is no queue: the broker returns the request, and nobody waits for an answer.
            transport_options=oslo_messaging.TransportOptions(at_least_once=True),
        )

    def send(self, method: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        if not self._is_connected:
            probe_broker(self._settings)
        call = _Call(self._client, self._caller, method, dict(request), self._version)
        thread = threading.Thread(target=call.run, name=f"rpc {method}", daemon=True)
        thread.start()
        thread.join(self._timeout_s + CONNECT_ALLOWANCE_S)
        self._is_connected = call.is_answered
        return call.get_answer()

    def close(self) -> None:
        """Close the connections. The library's threads look up every five seconds: a command does not wait for them."""
        thread = threading.Thread(target=clean_up, args=(self._transport,), name=CLOSING, daemon=True)
        thread.start()
        thread.join(CLOSE_END_S)


class _Call:
    """One call in a thread of its own, because nothing else ends the library's attempts to connect."""

    def __init__(self, client: Any, caller: str, method: str, request: dict[str, Any], version: str) -> None:
        self._client, self._caller, self._version = client, caller, version
        self._method, self._request = method, request
        self._answer: Mapping[str, Any] | None = None
        self._error: Exception | None = None

    def run(self) -> None:
        try:
            self._answer = self._client.call({"caller": self._caller}, self._method, request=self._request)
        except BROKER_ERRORS as error:  # shown by get_answer, in the caller's thread
            self._error = error

    @property
    def is_answered(self) -> bool:
        return isinstance(self._answer, Mapping) or isinstance(self._error, oslo_messaging.RemoteError)

    def get_answer(self) -> Mapping[str, Any]:
        """Return the answer, or raise what the caller has to know."""
        if isinstance(self._answer, Mapping):
            return self._answer
        error = self._error
        if isinstance(error, oslo_messaging.RemoteError) and error.exc_type in VERSION_ERRORS:
            what = f"{self._method} as asked in version {self._version}"
            raise OrderRefused(RefusalCode.VERSION, f"the service does not know {what}: is it older?")
        reason = (
            "no connection to the broker, or no answer" if error is None else describe_broker_error(error)
        )
        raise ServiceUnreachable(f"resource manager: {reason}") from None


def _build_endpoint(manager: ResourceManager, version: str) -> object:
    """Build the object whose methods are served: one for each kind of request, and no other."""

    long_waits = threading.BoundedSemaphore(LONG_WAITS_LIMIT)
    looks = threading.BoundedSemaphore(LOOKS_LIMIT)

    def answer_look(name: str, arguments: Mapping[str, object]) -> dict[str, Any]:
        if not looks.acquire(blocking=False):
            return build_busy_answer(f"{LOOKS_LIMIT} callers wait for the cloud already: try again later")
        try:
            return answer_call(manager, name, arguments)
        finally:
            looks.release()

    def build_method(name: str) -> Any:
        # Whatever a message has as arguments: what is wrong with them is an answer, and no exception.
        def serve(self: object, context: Mapping[str, Any], /, **arguments: object) -> dict[str, Any]:
            LOG.info("%s from %s", name, escape_line(str(context.get("caller"))[:CALLER_LIMIT]))
            if name in LOOKS:
                return answer_look(name, arguments)
            if name != "wait":
                return answer_call(manager, name, arguments)
            if not long_waits.acquire(blocking=False):
                answer = answer_call(manager, name, _shorten_wait(arguments))
                return {**answer, "pause_s": SHORT_WAIT_PAUSE_S}
            try:
                return answer_call(manager, name, arguments)
            finally:
                long_waits.release()

        return oslo_messaging.expose(serve)

    methods = {name: build_method(name) for name in METHODS}
    return type("ResourceEndpoint", (), {"target": oslo_messaging.Target(version=version), **methods})()


def _shorten_wait(arguments: Mapping[str, object]) -> Mapping[str, object]:
    request = arguments.get("request")
    return {**arguments, "request": {**request, "up_to_s": 0}} if isinstance(request, Mapping) else arguments
