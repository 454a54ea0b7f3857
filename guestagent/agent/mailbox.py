"""Between `poke` and the resident agent: a file that holds the newest document, and a socket that says "look".

Only the file counts. A poke that nobody hears is found when the agent looks next.
"""

from __future__ import annotations

import os
import select
import socket
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType

from guestagent import durable
from guestagent.agent import collect
from guestagent.agent.collect import Collected
from guestagent.errors import StorageError

SOCKET = "agent.sock"


@dataclass(frozen=True, slots=True)
class Mailbox:
    """`state` outlives a reboot, `run` does not; `cache` is os-collect-config's, read where nothing was handed over."""

    state: Path
    run: Path
    cache: Path | None = None

    def put(self, collected: Collected) -> None:
        """Keep the document (StorageError where that cannot be), and tell whoever listens. Waits for nobody."""
        if collected != collect.stored(self.state):
            now = datetime.now(timezone.utc).isoformat(timespec="seconds")
            collect.keep(self.state, replace(collected, at=now))
        self.ring()

    def latest(self) -> Collected | None:
        """The newest document."""
        found = collect.stored(self.state)
        return found if found is not None or self.cache is None else collect.committed(self.cache)

    def listen(self) -> Ear:
        """Hear every poke from now on. The newest listener is the one that hears."""
        return Ear(self)

    def ring(self) -> None:
        """Tell the listener to look. Nobody there, or one with a full ear, is fine."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bell, suppress(OSError):
            bell.setblocking(False)
            bell.sendto(b"!", str(self.run / SOCKET))


class Ear:
    """The resident agent's end. A context manager; for one thread, except `wake`."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._path = mailbox.run / SOCKET
        self._found: Collected | None = None
        self._stamp: tuple[int, int] | None = None
        self._socket = _bound(self._path)
        self._waker = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def wait(self, seconds: float) -> bool:
        """Up to `seconds`, until a poke or `wake`; whether there was one. One that came before this call counts."""
        ends: list[socket.socket | int] = [self._socket, self._waker]
        ready, _, _ = select.select(ends, [], [], max(0.0, seconds))
        with suppress(BlockingIOError):
            while True:
                self._socket.recv(16)
        with suppress(BlockingIOError):
            os.eventfd_read(self._waker)
        return bool(ready)

    def wake(self) -> None:
        """End the wait, from a signal's handler or another thread."""
        os.eventfd_write(self._waker, 1)

    def latest(self) -> Collected | None:
        """The newest document. Cheap: asked between any two steps. What cannot be read now is what it was before."""
        try:
            stamp = _stamp(self._mailbox.state / collect.DOCUMENT)
            if stamp is None or stamp != self._stamp:
                self._found = self._mailbox.latest()
                self._stamp = stamp
        except StorageError:
            return self._found
        return self._found

    def newer_than(self, token: str | None) -> bool:
        """Whether there is a document, and another one than that of `token`."""
        found = self.latest()
        return found is not None and found.token != token

    def close(self) -> None:
        self._socket.close()
        os.close(self._waker)
        self._path.unlink(missing_ok=True)

    def __enter__(self) -> Ear:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()


def _bound(path: Path) -> socket.socket:
    """The socket at `path`, in place of one that a killed process left."""
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        path.parent.mkdir(mode=durable.PRIVATE_FOLDER, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        bound.setblocking(False)
        bound.bind(str(path))
        path.chmod(durable.PRIVATE_FILE)
    except OSError as error:
        bound.close()
        raise StorageError(f"cannot listen at {path}: {error.strerror or error}") from error
    return bound


def _stamp(path: Path) -> tuple[int, int] | None:
    """Changes whenever the file is replaced."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error.strerror}") from error
    return found.st_ino, found.st_mtime_ns
