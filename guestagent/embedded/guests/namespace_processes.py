"""The processes of a guest: those in its network namespace, always looked up anew, never by old numbers."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from guestagent.errors import DeadlineExceeded
from guestagent.retry import Clock

PROC_FOLDER = Path("/proc")
NAMESPACE_FOLDER = Path("/run/netns")
POLL_INTERVAL_S = 0.01


def find_init(namespace: str) -> int | None:
    """Return the number of the guest's PID 1 on this machine."""
    return next((pid for pid in list_processes(namespace) if _read_inner_pid(pid) == 1), None)


def list_processes(namespace: str) -> Iterator[int]:
    """List everything that runs in the network namespace, its outermost process too."""
    namespace_id = _read_namespace_id(NAMESPACE_FOLDER / namespace)
    if namespace_id is None:
        return
    for entry in PROC_FOLDER.iterdir():
        if entry.name.isdigit() and _read_namespace_id(entry / "ns" / "net") == namespace_id:
            yield int(entry.name)


def send_signal(namespace: str, pid: int, number: int) -> None:
    """Signal a process of the guest; nothing happens if it has ended and another process has its number."""
    with suppress(ProcessLookupError), closing(PidHandle(pid)) as handle:
        namespace_id = _read_namespace_id(NAMESPACE_FOLDER / namespace)
        if (
            namespace_id is not None
            and _read_namespace_id(PROC_FOLDER / str(pid) / "ns" / "net") == namespace_id
        ):
            signal.pidfd_send_signal(handle.descriptor, number)


def kill_processes(namespace: str, clock: Clock, timeout: float = 30) -> None:
    """Send SIGKILL to all of them; return when none is left."""
    deadline = clock.now() + timeout
    while pids := tuple(list_processes(namespace)):
        if clock.now() > deadline:
            raise DeadlineExceeded(f"processes of {namespace} survive SIGKILL for {timeout:g} s: {pids}")
        for pid in pids:
            send_signal(namespace, pid, signal.SIGKILL)
        clock.sleep(POLL_INTERVAL_S)


def wait_until_gone(namespace: str, clock: Clock, timeout: float) -> bool:
    """Whether all of them ended by themselves within `timeout` seconds."""
    deadline = clock.now() + timeout
    while next(list_processes(namespace), None) is not None:
        if clock.now() > deadline:
            return False
        clock.sleep(POLL_INTERVAL_S)
    return True


@contextmanager
def pause_processes(namespace: str) -> Iterator[None]:
    """Stop all of them for the length of a `with` block, so that their files do not change."""
    stopped_pids: set[int] = set()
    try:
        while new_pids := set(list_processes(namespace)) - stopped_pids:  # one could start another meanwhile
            stopped_pids |= new_pids
            for pid in new_pids:
                send_signal(namespace, pid, signal.SIGSTOP)
        yield
    finally:
        for pid in stopped_pids:
            send_signal(namespace, pid, signal.SIGCONT)


class PidHandle:
    """A process that cannot be confused with a later one of the same number."""

    def __init__(self, pid: int) -> None:
        self.descriptor = os.pidfd_open(pid)

    def close(self) -> None:
        os.close(self.descriptor)


def _read_namespace_id(path: Path) -> tuple[int, int] | None:
    """Read a namespace's identity; None if it is gone. A zombie has no namespaces left."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _read_inner_pid(pid: int) -> int | None:
    """Read a process's number in its innermost PID namespace; None if it is in this process's namespace."""
    try:
        lines = (PROC_FOLDER / str(pid) / "status").read_text().splitlines()
    except OSError:
        return None
    numbers = next((line.split()[1:] for line in lines if line.startswith("NSpid:")), [])
    return int(numbers[-1]) if len(numbers) > 1 else None
