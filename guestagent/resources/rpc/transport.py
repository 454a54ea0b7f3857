"""Connections to the message broker. Only this file imports oslo.messaging and what is below it; others take it here.

The library tries to connect for ever, and only its log has the reason. So a broker is looked at first.
"""

from __future__ import annotations

import logging
import ssl
import warnings
from collections.abc import Callable, Mapping
from socket import create_connection, socket
from typing import Any
from urllib.parse import urlencode

from guestagent.errors import InvalidSettings, Problem, ServiceUnreachable
from guestagent.resources.oslo_options import get_library_options
from guestagent.resources.rpc.broker_settings import BrokerSettings, check_broker

with warnings.catch_warnings():
    # It imports eventlet where that is installed, and that warns of itself. Threads are used here.
    warnings.simplefilter("ignore")
    import oslo_messaging
    from amqp.exceptions import AccessRefused, AMQPError, NotAllowed
    from kombu.exceptions import KombuError

__all__ = [
    "BROKER_ERRORS",
    "EXCHANGE",
    "OutcomeChannel",
    "clean_up",
    "describe_broker_error",
    "open_rpc_transport",
    "oslo_messaging",
    "probe_broker",
    "reach_broker",
]
LOG = logging.getLogger(__name__)

BROKER_ERRORS = (
    oslo_messaging.MessagingException,
    oslo_messaging.MessageUndeliverable,
    AMQPError,
    KombuError,
    OSError,
)
"""What the library raises for a broker that refuses, or is away."""
EXCHANGE = "guestagent"
"""Of our own: a vhost that others use too has an exchange `openstack`, which is durable or not as they chose."""
AMQP_PORT = 5672
PROTOCOL_HEADER = b"AMQP\x00\x00\x09\x01"
METHOD_FRAME = b"\x01"
"""The first byte of a broker's answer."""
PROBE_TIMEOUT_S = 5.0
FIXED_OPTIONS: Mapping[str, object] = {
    # An answer to a caller whose queue is missing keeps a thread for so long, 60 seconds by default. Then all answers
    # to that caller are dropped for a minute, so it is longer than a caller needs to connect to a broker again.
    "kombu_missing_consumer_retry_timeout": 30,
    "rabbit_interval_max": 5,
    # A broker that stands still is noticed while a caller still waits.
    "heartbeat_timeout_threshold": 20,
}


def open_rpc_transport(settings: BrokerSettings) -> Any:
    """Return the transport of requests. Nothing is connected yet. Raise InvalidSettings."""
    return oslo_messaging.get_rpc_transport(get_library_options(), url=_build_url(settings))


class OutcomeChannel:
    """Sends notifications to a topic, each once. Nothing is connected before the first."""

    def __init__(self, settings: BrokerSettings, topic: str, publisher: str) -> None:
        self._transport = oslo_messaging.get_notification_transport(
            get_library_options(), url=_build_url(settings)
        )
        self._notifier = oslo_messaging.Notifier(
            self._transport, publisher_id=publisher, driver="messagingv2", topics=[topic], retry=0
        )

    def send(self, event_type: str, payload: Mapping[str, object]) -> None:
        """Send a notification, with the priority `error` or `info`. The library logs what it cannot send."""
        send = self._notifier.error if event_type.endswith(".error") else self._notifier.info
        send({}, event_type, payload)

    def close(self) -> None:
        clean_up(self._transport)


def clean_up(transport: Any) -> None:
    """Close the connections of a transport. One that the broker has broken is gone already."""
    try:
        transport.cleanup()
    except BROKER_ERRORS as error:
        LOG.debug("a connection to the message broker was not closed in order: %s", error)


def probe_broker(settings: BrokerSettings) -> None:
    """Connect to one of the broker's addresses, and begin to speak AMQP. Raise ServiceUnreachable with the reason.

    The name in the certificate is verified here in any case: older releases of the library do not. The broker logs a
    connection that was given up, so this is for the beginning alone.
    """
    _try_addresses(settings, _await_broker)


def reach_broker(settings: BrokerSettings) -> None:
    """Connect as `probe_broker` does, but say nothing. The broker's log has no line of it."""
    _try_addresses(settings, lambda connection: None)


def _try_addresses(settings: BrokerSettings, talk: Callable[[socket], None]) -> None:
    url = oslo_messaging.TransportURL.parse(get_library_options(), settings.url.reveal())
    reasons = []
    for host in url.hosts:
        try:
            _connect(host.hostname, host.port or AMQP_PORT, settings, talk)
        except OSError as error:
            reasons.append(f"{host.hostname} port {host.port or AMQP_PORT}: {error.strerror or error}")
        else:
            return
    if reasons:
        raise ServiceUnreachable(f"message broker: {'; '.join(reasons)}")


def describe_broker_error(error: BaseException) -> str:
    """Return what is wrong in a person's words, without the values of a request."""
    if isinstance(error, AccessRefused):
        return "the broker refused the account: check its user, its password and its permissions in the vhost"
    if isinstance(error, NotAllowed):
        return "the broker refused the vhost: check its name, and the account's permissions in it"
    if isinstance(error, oslo_messaging.MessageUndeliverable):
        return "no service takes requests from the broker: is one running?"
    if isinstance(error, oslo_messaging.MessagingTimeout):
        return "no answer in time: is a service running?"
    if isinstance(error, AMQPError) and error.reply_text:
        return f"the broker refused: {error.reply_text}"
    if isinstance(error, oslo_messaging.MessagingException) and error.__context__ is not None:
        return describe_broker_error(error.__context__)  # the library wraps what the broker has answered
    return f"{type(error).__name__}: {error}" if isinstance(error, OSError) else type(error).__name__


def _connect(host: str, port: int, settings: BrokerSettings, talk: Callable[[socket], None]) -> None:
    """Connect, with TLS if that is set, and talk. Raise OSError."""
    with create_connection((host, port), timeout=PROBE_TIMEOUT_S) as connection:
        if settings.authority is None:
            talk(connection)
            return
        context = ssl.create_default_context(cafile=str(settings.authority))
        with context.wrap_socket(connection, server_hostname=host) as secured:
            talk(secured)


def _await_broker(connection: socket) -> None:
    connection.sendall(PROTOCOL_HEADER)
    if connection.recv(1) != METHOD_FRAME:
        raise OSError("no AMQP is spoken there: does the broker want TLS (broker.authority)?")


def _build_url(settings: BrokerSettings) -> str:
    """Return the URL with the library's options in it: its global ones belong to the whole program."""
    check_broker(settings)
    options = dict(FIXED_OPTIONS)
    if settings.quorum_queues:
        options |= {"rabbit_quorum_queue": True, "amqp_durable_queues": True}
    if settings.authority is not None:
        try:
            ssl.create_default_context(cafile=str(settings.authority))
        except OSError as error:
            problem = Problem("broker.authority", "a readable file of certificates (PEM)", str(error))
            raise InvalidSettings([problem]) from None
        options |= {"ssl": True, "ssl_ca_file": settings.authority}
    return f"{settings.url.reveal()}?{urlencode(options)}"
