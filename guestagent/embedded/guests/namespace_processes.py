"""The processes of a guest: those in its network namespace, found by looking, never by old numbers."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from guestagent.errors import DeadlineExceeded
from guestagent.retry import Clock

PROC_FOLDER = Path("/proc")
NAMESPACE_FOLDER = Path("/run/netns")
POLL_INTERVAL_S = 0.01


def find_init(namespace: str) -> int | None:
    """The guest's PID 1, by its number here."""
    return next((pid for pid in list_processes(namespace) if _number_inside(pid) == 1), None)


def list_processes(namespace: str) -> Iterator[int]:
    """Everything that runs in the named network namespace, its outermost process too."""
    wanted = _identity(NAMESPACE_FOLDER / namespace)
    if wanted is None:
        return
    for entry in PROC_FOLDER.iterdir():
        if entry.name.isdigit() and _identity(entry / "ns" / "net") == wanted:
            yield int(entry.name)


def send_signal(namespace: str, pid: int, number: signal.Signals) -> None:
    """Signal a process of the guest; nothing happens where it ended and its number is somebody else's."""
    with suppress(ProcessLookupError), closing(_Held(pid)) as held:
        wanted = _identity(NAMESPACE_FOLDER / namespace)
        if wanted is not None and _identity(PROC_FOLDER / str(pid) / "ns" / "net") == wanted:
            signal.pidfd_send_signal(held.descriptor, number)


def kill_processes(namespace: str, clock: Clock, timeout: float = 30) -> None:
    """SIGKILL to all of them; returns when none is left."""
    ends = clock.now() + timeout
    while pids := tuple(list_processes(namespace)):
        if clock.now() > ends:
            raise DeadlineExceeded(f"processes of {namespace} survive SIGKILL for {timeout:g} s: {pids}")
        for pid in pids:
            send_signal(namespace, pid, signal.SIGKILL)
        clock.sleep(POLL_INTERVAL_S)


def wait_until_gone(namespace: str, clock: Clock, timeout: float) -> bool:
    """Whether all of them ended by themselves within `timeout` seconds."""
    ends = clock.now() + timeout
    while next(list_processes(namespace), None) is not None:
        if clock.now() > ends:
            return False
        clock.sleep(POLL_INTERVAL_S)
    return True


class _Held:
    """A process that cannot be confused with a later one of the same number."""

    def __init__(self, pid: int) -> None:
        self.descriptor = os.pidfd_open(pid)

    def close(self) -> None:
        os.close(self.descriptor)


def _identity(path: Path) -> tuple[int, int] | None:
    """None where it is gone; a zombie has no namespaces left."""
    try:
        seen = path.stat()
    except OSError:
        return None
    return seen.st_dev, seen.st_ino


def _number_inside(pid: int) -> int | None:
    """Its number in the innermost PID namespace, or None where it has none but the one that we see."""
    try:
        lines = (PROC_FOLDER / str(pid) / "status").read_text().splitlines()
    except OSError:
        return None
    numbers = next((line.split()[1:] for line in lines if line.startswith("NSpid:")), [])
    return int(numbers[-1]) if len(numbers) > 1 else None
