"""A sender, and handles and disks that fail."""

from __future__ import annotations

from datetime import datetime

from guestagent.errors import HandleUnreachable, SignalError, StorageError
from guestagent.retry import FakeClock
from guestagent.signal import FakeHandle, HandleBroken, HandleDoubted, Sender, Spool, SpoolEntry
from tests.support.signal_handles import add_minutes

DOWN = HandleUnreachable("heat.test: connection refused")
FORBIDDEN = HandleDoubted("heat.test answers 403")
BROKEN = HandleBroken("heat.test answers 500")


def build_sender(
    spool: Spool, handle: FakeHandle, clock: FakeClock | None = None, today: datetime | None = None
) -> Sender:
    at = add_minutes(1) if today is None else today
    return Sender(spool, clock or FakeClock(), connect=handle.connect, get_now=lambda: at)


def build_unreachable_handle(seconds: float, clock: FakeClock, error: SignalError = DOWN) -> FakeHandle:
    """Return a handle that raises `error` for the first `seconds`."""

    class UnreachableHandle(FakeHandle):
        def send(self, body: bytes, within: float) -> None:
            if clock.now() < until:
                self.attempts += 1
                raise error
            super().send(body, within)

    until = clock.now() + seconds
    return UnreachableHandle([None])


class FullDisk(Spool):
    def put_entry(self, entry: SpoolEntry) -> bool:
        raise StorageError("no space left")

    def mark_accepted(self, entry: SpoolEntry) -> None:
        raise StorageError("no space left")
