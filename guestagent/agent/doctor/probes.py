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

from guestagent.agent import wakeup_pipe
from guestagent.agent.timestamp import Timestamp, read_timestamp
from guestagent.secret import Secret
from guestagent.signal import HttpOptions
from guestagent.signal.http_client import HttpRequest, HttpResponse, send_request
from guestagent.signal.transports import utc_now

PROBE_TIMEOUT_S = 5.0
"""For each probe: a resolver or a firewall that drops what it gets would hold up the whole report."""


def resolve_host(host: str) -> tuple[str, ...]:
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
    looking.join(PROBE_TIMEOUT_S)
    if failed:
        raise failed[0]
    if not found:
        raise OSError(f"no answer from the resolver in {PROBE_TIMEOUT_S:.0f} s")
    return found[0]


def check_port(host: str, port: int) -> None:
    """A TCP connection, ended at once. OSError where there is none in time."""
    socket.create_connection((host, port), PROBE_TIMEOUT_S).close()


def request_root(url: str, host: str, ca_file: Path | None) -> HttpResponse:
    """What the root of a web service answers to whom it does not know. HandleUnreachable where it does not."""
    return send_request(HttpRequest("GET", Secret(url), host, b""), HttpOptions(ca_file), PROBE_TIMEOUT_S)


def is_process_running(name: str) -> bool:
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
class DiskSpace:
    """A file system's bytes."""

    free: int
    total: int


def measure_disk_space(path: Path) -> DiskSpace:
    """Of the file system that holds `path`, or will. OSError where that cannot be told."""
    there = next(folder for folder in (path, *path.parents) if folder.exists())
    usage = shutil.disk_usage(there)
    return DiskSpace(usage.free, usage.total)


def get_modification_time(path: Path) -> float:
    """When a file was written, in seconds of the epoch. OSError where there is none."""
    return path.stat().st_mtime


@dataclass(frozen=True, slots=True)
class Probes:
    """One field for each kind of look."""

    resolve_host: Callable[[str], tuple[str, ...]] = field(default=resolve_host)
    check_port: Callable[[str, int], None] = field(default=check_port)
    request_root: Callable[[str, str, Path | None], HttpResponse] = field(default=request_root)
    is_listening: Callable[[Path], bool] = field(default=wakeup_pipe.is_listening)
    is_process_running: Callable[[str], bool] = field(default=is_process_running)
    measure_disk_space: Callable[[Path], DiskSpace] = field(default=measure_disk_space)
    get_modification_time: Callable[[Path], float] = field(default=get_modification_time)
    get_utc_now: Callable[[], datetime] = field(default=utc_now)
    read_timestamp: Callable[[], Timestamp] = field(default=read_timestamp)
