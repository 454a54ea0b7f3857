"""Serves the endpoint over HTTPS.

In clear it serves on loopback alone: a document holds passwords.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn

from guestagent.errors import InvalidSettings, StorageError, UnsupportedEnvironment
from guestagent.resources.endpoint.endpoint_settings import EndpointSettings
from guestagent.resources.endpoint.guest_connection import GuestConnection
from guestagent.resources.endpoint.limited_listener import open_listeners
from guestagent.resources.endpoint.server_thread import ThreadServer

Application = Callable[[Any, Any, Any], Awaitable[None]]
START_TIMEOUT_S = 10.0
CONNECTION_LIMIT = 300
"""Of all clients together, from their first moment on: far fewer than the files that a service may have open."""
KEEP_ALIVE_S = 30


class EndpointServer:
    """The server in a thread of its own. `open` returns when requests are answered."""

    def __init__(self, settings: EndpointSettings, application: Application) -> None:
        problems = [*settings.find_problems()]
        if problems:
            raise InvalidSettings(problems)
        self._settings, self._application = settings, application
        self._context: ssl.SSLContext | None = None
        self._server: ThreadServer | None = None
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Start to serve. Raise UnsupportedEnvironment if the address is in use or not here."""
        settings = self._settings
        config = uvicorn.Config(
            self._application,
            host=settings.host,
            port=settings.port,
            ssl_certfile=settings.certificate,
            ssl_keyfile=settings.key,
            proxy_headers=settings.certificate is None,  # then a proxy on this host has ended TLS
            log_config=None,
            log_level="error",
            access_log=False,  # its lines would hold signatures
            lifespan="off",
            ws="none",
            http=GuestConnection,
            server_header=False,
            loop="none",  # `ThreadServer` has its own
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=2,
        )
        try:
            config.load()
        except (OSError, ssl.SSLError) as error:
            raise StorageError(f"the certificate or key of the endpoint cannot be used: {error}") from error
        if isinstance(config.ssl, ssl.SSLContext):
            config.ssl.sni_callback = self._choose_certificate
            config.ssl.num_tickets = 0  # no guest resumes a session, and two tickets are a sixth of a round
        try:
            listeners = open_listeners(settings.host, settings.port, CONNECTION_LIMIT)
        except OSError as error:
            raise UnsupportedEnvironment(
                f"nothing can listen on {settings.host} port {settings.port}: is it in use? ({error.strerror})"
            ) from error
        self._server = ThreadServer(config, listeners)
        self._thread = threading.Thread(target=self._server.run_quietly, name="endpoint", daemon=True)
        self._thread.start()
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._server.started and self._thread.is_alive() and time.monotonic() < deadline:
            time.sleep(0.01)
        if not self._server.started:
            raise UnsupportedEnvironment(
                f"the endpoint on {settings.host} port {settings.port} has not begun to serve"
            )

    def use_certificate(self, context: ssl.SSLContext) -> None:
        """Serve the certificate of this context in all connections that begin from now on."""
        self._context = context

    def _choose_certificate(
        self, connection: ssl.SSLObject, _name: str | None, _first: ssl.SSLContext
    ) -> None:
        if self._context is not None:
            connection.context = self._context

    def close(self) -> None:
        """Stop to serve. Requests in progress have two seconds to end."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join()
