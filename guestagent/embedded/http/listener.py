"""A port and the HTTP server behind it. uvicorn is imported here only."""

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


class Listener:
    """Serves an application on one address. It can be closed and opened again, on the same port."""

    def __init__(self, host: str, ports: tuple[int, ...]) -> None:
        """Takes the first free one of `ports`; 0 is any free port."""
        self.host = host
        self._socket: socket.socket | None = _bound(host, ports)
        self.port: int = self._socket.getsockname()[1]
        self._server: _Server | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return f"http://{format_url_host(self.host)}:{self.port}"

    async def open(self, app: ASGIApp) -> None:
        """Returns when requests are answered."""
        if self._task is not None:
            return
        config = uvicorn.Config(
            app,
            timeout_graceful_shutdown=1,
            log_config=None,
            log_level="critical",
            access_log=False,
            lifespan="off",
            ws="none",
            http="h11",
        )
        self._server = _Server(config)
        bound, self._socket = self._socket or _bound(self.host, (self.port,)), None
        self._task = asyncio.create_task(self._server.serve(sockets=[bound]))
        while not self._server.started and not self._task.done():
            await asyncio.sleep(0.005)

    async def close(self) -> None:
        """Lets the port go; requests under way have a second to end."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._task is not None and self._server is not None:
            self._server.should_exit = True
            task, self._task = self._task, None
            await asyncio.wait([task])


class _Server(uvicorn.Server):
    """Signals are the process's own business."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _bound(host: str, ports: tuple[int, ...]) -> socket.socket:
    for port in ports:
        with contextlib.suppress(OSError):
            return take_port(host, port) if port else take_free_port(host)
    raise UnsupportedEnvironment(f"no free port on {host} among {', '.join(map(str, ports))}")
