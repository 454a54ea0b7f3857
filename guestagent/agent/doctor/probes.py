"""What the doctor touches outside: names, ports, processes, disks, clocks. Every probe ends in its time.

`Probes()` are the real ones; a test gives its own.
"""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import psutil

from guestagent.agent import bell
from guestagent.agent.look_time import LookTime, read_time
from guestagent.secret import Secret
from guestagent.signal import Web
from guestagent.signal.transports import utc_now
from guestagent.signal.web import Answer, Request, ask

SECONDS = 5.0
"""For each probe: a resolver or a firewall that drops what it gets would hold up the whole report."""


def resolved(host: str) -> tuple[str, ...]:
    """The addresses of a name (an address is its own). OSError where there are none, or no answer in time."""
    found: list[tuple[str, ...]] = []
    failed: list[OSError] = []

    def look() -> None:
        try:
            told = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            found.append(tuple(dict.fromkeys(str(each[4][0]) for each in told)))
        except (OSError, UnicodeError) as error:
            failed.append(error if isinstance(error, OSError) else OSError("no name that DNS could know"))

    # The system's resolver has no timeout of its own that could be set, and no way to be called off.
    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    looking.join(SECONDS)
    if failed:
        raise failed[0]
    if not found:
        raise OSError(f"no answer from the resolver in {SECONDS:.0f} s")
    return found[0]


def connected(host: str, port: int) -> None:
    """A TCP connection, ended at once. OSError where there is none in time."""
    socket.create_connection((host, port), SECONDS).close()


def greeted(url: str, host: str, ca_file: Path | None) -> Answer:
    """What the root of a web service answers to whom it does not know. HandleUnreachable where it does not."""
    return ask(Request("GET", Secret(url), host, b""), Web(ca_file), SECONDS)


def running(name: str) -> bool:
    """Whether a process of that name runs, be it a program or an interpreter's script."""
    for process in psutil.process_iter():
        try:
            words = [Path(word).name for word in process.cmdline()[:3]]
        except psutil.Error:  # it has ended meanwhile
            continue
        if name in words:
            return True
    return False


@dataclass(frozen=True, slots=True)
class Space:
    """A file system's bytes."""

    free: int
    total: int


def space(path: Path) -> Space:
    """Of the file system that holds `path`, or will. OSError where that cannot be told."""
    there = next(folder for folder in (path, *path.parents) if folder.exists())
    usage = shutil.disk_usage(there)
    return Space(usage.free, usage.total)


def changed(path: Path) -> float:
    """When a file was written, in seconds of the epoch. OSError where there is none."""
    return path.stat().st_mtime


@dataclass(frozen=True, slots=True)
class Probes:
    """One field for each kind of look."""

    resolved: Callable[[str], tuple[str, ...]] = field(default=resolved)
    connected: Callable[[str, int], None] = field(default=connected)
    greeted: Callable[[str, str, Path | None], Answer] = field(default=greeted)
    listening: Callable[[Path], bool] = field(default=bell.is_listening)
    running: Callable[[str], bool] = field(default=running)
    space: Callable[[Path], Space] = field(default=space)
    changed: Callable[[Path], float] = field(default=changed)
    today: Callable[[], datetime] = field(default=utc_now)
    now: Callable[[], LookTime] = field(default=read_time)
