"""A port and the HTTP server behind it. Only this file imports uvicorn."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from guestagent.embedded.host.ip_network import format_url_host
from guestagent.embedded.http.ports import take_free_port, take_port
from guestagent.errors import UnsupportedEnvironment

KEEP_ALIVE_S = 75
"""A client whose next request meets the closing of its connection gets no answer: on a busy machine 5 s are short."""


class Listener:
    """Serves an application on one address. It can be closed and opened again, on the same port."""

    def __init__(self, host: str, ports: tuple[int, ...]) -> None:
        """Bind the first free one of `ports`; 0 is any free port."""
        self.host = host
        self._socket: socket.socket | None = _bind_first_free(host, ports)
        self.port: int = self._socket.getsockname()[1]
        self._server: QuietServer | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return f"http://{format_url_host(self.host)}:{self.port}"

    async def open(self, app: ASGIApp) -> None:
        """Start to serve; return when requests are answered."""
        if self._task is not None:
            return
        config = uvicorn.Config(
            app,
            timeout_graceful_shutdown=1,
            timeout_keep_alive=KEEP_ALIVE_S,
            log_config=None,
            log_level="critical",
            access_log=False,
            lifespan="off",
            ws="none",
            http="h11",
        )
        self._server = QuietServer(config)
        listening_socket, self._socket = self._socket or _bind_first_free(self.host, (self.port,)), None
        self._task = asyncio.create_task(self._server.serve(sockets=[listening_socket]))
        while not self._server.started and not self._task.done():
            await asyncio.sleep(0.005)

    async def close(self) -> None:
        """Release the port. Requests in progress have a second to end."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._task is not None and self._server is not None:
            self._server.should_exit = True
            task, self._task = self._task, None
            await asyncio.wait([task])


class QuietServer(uvicorn.Server):
    """A server that leaves signals to the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _bind_first_free(host: str, ports: tuple[int, ...]) -> socket.socket:
    for port in ports:
        with contextlib.suppress(OSError):
            return take_port(host, port) if port else take_free_port(host)
    raise UnsupportedEnvironment(f"no free port on {host} among {', '.join(map(str, ports))}")
