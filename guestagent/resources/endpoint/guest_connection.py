"""HTTP on one connection of a guest: one request at a time, of limited size, and all of them within a time limit.

The parser itself keeps whatever it receives.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

CONNECTION_TIME_LIMIT_S = 60.0
"""Of a connection from its beginning to its end: those that never send a whole request must not take all the places."""
HEAD_LIMIT_BYTES = 64 * 1024
"""Of all that a request has beside its body: its head, the frames of its chunks, and its trailers."""
RECEIVED_BODY_LIMIT_BYTES = 2 * 1024 * 1024
"""A client reads that its body is too large only when it has sent all of it, so more is received than is accepted."""
PIECE_BYTES = 8 * 1024
"""The parser gets no more at once, so that it can be stopped in time."""


class GuestConnection(HttpToolsProtocol):
    """A connection that is cut if it exceeds a limit. Collector and agent open another one for each request."""

    _cut: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _body_bytes = 0
    _in_body = False

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._ends_at = self.loop.time() + CONNECTION_TIME_LIMIT_S  # the handshake is still to come

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._cut = self.loop.call_at(self._ends_at, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._cut, self.timeout_keep_alive_task):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        for start in range(0, len(data), PIECE_BYTES):
            if self.transport.is_closing():
                return
            piece = data[start : start + PIECE_BYTES]
            self._head_bytes += len(piece)
            super().data_received(piece)
            if self._head_bytes > HEAD_LIMIT_BYTES or self._body_bytes > RECEIVED_BODY_LIMIT_BYTES:
                self.transport.abort()

    def on_message_begin(self) -> None:
        if self._is_answering():
            self.transport.abort()
            raise _PipelinedRequest
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_body:  # trailers are of no use
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_body = True
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._head_bytes -= len(body)
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._head_bytes, self._body_bytes, self._in_body = 0, 0, False
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no request. In the middle of a request, or after it, the connection is cut."""
        if self._is_answering() or self.transport.is_closing():
            self.transport.abort()
        else:
            super().send_400_response(msg)

    def _is_answering(self) -> bool:
        return bool(self.cycle) and not self.cycle.response_complete  # none before the first request


class _PipelinedRequest(Exception):
    """Stops the parser: a client has to read its answer first. No client of ours does otherwise."""
