"""Serves the endpoint over HTTPS. Only this file imports uvicorn.

In clear it serves on loopback alone: a document holds passwords.
"""

from __future__ import annotations

import contextlib
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from guestagent.errors import InvalidSettings, Problem, StorageError, UnsupportedEnvironment

START_TIMEOUT_S = 10.0
CONNECTION_LIMIT = 200
KEEP_ALIVE_S = 30


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    """Where to listen, and the files of the certificate and its key (PEM); without them in clear, on loopback."""

    host: str
    port: int
    certificate: Path | None = None
    key: Path | None = None


class EndpointServer:
    """The server in a thread of its own. `open` returns when requests are answered."""

    def __init__(self, settings: EndpointSettings, application: ASGIApp) -> None:
        check_settings(settings)
        self._settings, self._application = settings, application
        self._server: _ThreadServer | None = None
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
            log_config=None,
            log_level="error",
            access_log=False,  # its lines would hold signatures
            lifespan="off",
            ws="none",
            http="h11",
            server_header=False,
            limit_concurrency=CONNECTION_LIMIT,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=2,
        )
        try:
            config.load()
        except (OSError, ssl.SSLError) as error:
            raise StorageError(f"the certificate or key of the endpoint cannot be used: {error}") from error
        self._server = _ThreadServer(config)
        self._thread = threading.Thread(target=self._server.run_quietly, name="endpoint", daemon=True)
        self._thread.start()
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._server.started and self._thread.is_alive() and time.monotonic() < deadline:
            time.sleep(0.01)
        if not self._server.started:
            raise UnsupportedEnvironment(
                f"nothing can listen on {settings.host} port {settings.port}: is it in use?"
            )

    def close(self) -> None:
        """Stop to serve. Requests in progress have two seconds to end."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join()


class _ThreadServer(uvicorn.Server):
    """A server that leaves signals to the process, and ends its thread alone."""

    def run_quietly(self) -> None:
        with contextlib.suppress(SystemExit):
            self.run()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def check_settings(settings: EndpointSettings) -> None:
    """Raise InvalidSettings unless the documents that are served cannot be read on their way."""
    if (settings.certificate is None) != (settings.key is None):
        missing = "key" if settings.key is None else "certificate"
        raise InvalidSettings(
            [Problem(f"endpoint.{missing}", "a file: certificate and key belong together", "none")]
        )
    if settings.certificate is None and not _is_loopback(settings.host):
        problem = Problem(
            "endpoint.certificate",
            "a file in PEM, because documents hold passwords",
            "none",
            "only on loopback the endpoint serves in clear",
        )
        raise InvalidSettings([problem])


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
