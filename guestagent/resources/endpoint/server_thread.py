"""The loop that serves the endpoint, for a thread of its own. It accepts, so that connections are counted."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Iterator, Sequence

import uvicorn
import uvloop

from guestagent.resources.endpoint import guest_connection
from guestagent.resources.endpoint.guest_connection import GuestConnection

LOG = logging.getLogger(__name__)
ACCEPT_RETRY_S = 1.0
SHUTDOWN_TIME_LIMIT_S = 5.0
"""A client has to end TLS in this time, or is cut: some would send on and on."""
NOTHING_TO_ACCEPT = (BlockingIOError, InterruptedError, ConnectionAbortedError)


class ThreadServer(uvicorn.Server):
    """A server that leaves signals to the process, and ends its thread alone."""

    def __init__(self, config: uvicorn.Config, listeners: Sequence[socket.socket]) -> None:
        super().__init__(config)
        self._listeners = list(listeners)
        self._handshakes: set[asyncio.Task[None]] = set()
        self._loop = uvloop.new_event_loop()

    def run_quietly(self) -> None:
        """Serve until `should_exit` is set. Other loops of the process are not changed."""
        with contextlib.closing(self._loop), contextlib.suppress(SystemExit):
            self._loop.run_until_complete(self._serve_to_end())

    async def _serve_to_end(self) -> None:
        await self.serve(sockets=[])
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # the loop closes what was cut

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listener in self._listeners:
            self._listen(listener)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            self._loop.remove_reader(listener)
            listener.close()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def _listen(self, listener: socket.socket) -> None:
        if listener in self._listeners:
            self._loop.add_reader(listener, self._accept, listener)

    def _accept(self, listener: socket.socket) -> None:
        try:
            connection, _ = listener.accept()
        except NOTHING_TO_ACCEPT:
            return
        except OSError as error:  # the process has too many files, or the machine too little memory
            LOG.error("endpoint: no connection can be accepted: %s", error.strerror)
            self._loop.remove_reader(listener)
            self._loop.call_later(ACCEPT_RETRY_S, self._listen, listener)
            return
        task = self._loop.create_task(self._begin(connection))
        self._handshakes.add(task)
        task.add_done_callback(self._handshakes.discard)

    async def _begin(self, connection: socket.socket) -> None:
        """Give the connection to the loop, which closes it. Return after the handshake."""
        limits = {}
        if self.config.ssl is not None:
            limits["ssl_handshake_timeout"] = guest_connection.CONNECTION_TIME_LIMIT_S
            limits["ssl_shutdown_timeout"] = SHUTDOWN_TIME_LIMIT_S
        with contextlib.suppress(OSError):  # the client has gone, took too long, or does not speak TLS
            await self._loop.connect_accepted_socket(
                self._build_connection, connection, ssl=self.config.ssl, **limits
            )

    def _build_connection(self) -> GuestConnection:
        return GuestConnection(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
