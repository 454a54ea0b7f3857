"""The doctor's probes: names, ports, processes, disks, clocks. Each has a time limit.

`Probes()` are the real ones; a test passes its own.
"""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import psutil

from guestagent.agent import wakeup_pipe
from guestagent.agent.service_control import CommandServiceControl
from guestagent.agent.timestamp import Timestamp, read_timestamp
from guestagent.secret import Secret
from guestagent.signal import HttpOptions
from guestagent.signal.http_client import HttpRequest, HttpResponse, send_request
from guestagent.signal.transports import utc_now

PROBE_TIMEOUT_S = 5.0
"""For each probe: a resolver or a firewall that drops packets would delay the whole report."""
COLLECTOR_LOG_FILE = Path("/var/log/os-collect-config.log")
COLLECTOR_UNIT = "os-collect-config.service"
JOURNAL_OPTIONS = ("--lines=60", "--output=cat", "--no-pager", "--quiet")
LOG_BYTES_LIMIT = 16 * 1024


def resolve_host(host: str) -> tuple[str, ...]:
    """Return the addresses of a name (an address is its own). OSError if there is none, or no answer in time."""
    results: list[tuple[str, ...] | OSError] = []

    def resolve() -> None:
        try:
            answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            results.append(tuple(dict.fromkeys(str(each[4][0]) for each in answers)))
        except UnicodeError:
            results.append(OSError("not a valid DNS name"))
        except OSError as error:
            results.append(error)

    # The system's resolver has no timeout that could be set, and no way to be cancelled.
    thread = threading.Thread(target=resolve, daemon=True)
    thread.start()
    thread.join(PROBE_TIMEOUT_S)
    result = results[0] if results else OSError(f"no answer from the resolver in {PROBE_TIMEOUT_S:.0f} s")
    if isinstance(result, OSError):
        raise result
    return result


def check_port(host: str, port: int) -> None:
    """Open a TCP connection, and close it. OSError if there is none in time."""
    socket.create_connection((host, port), PROBE_TIMEOUT_S).close()


def request_root(url: str, host: str, ca_file: Path | None) -> HttpResponse:
    """Request the root of a web service without a credential. HandleUnreachable if it does not answer."""
    return send_request(HttpRequest("GET", Secret(url), host, b""), HttpOptions(ca_file), PROBE_TIMEOUT_S)


def send_metadata_request(request: HttpRequest, ca_file: Path | None) -> HttpResponse:
    """Send a collector's request. HandleUnreachable if there is no answer in time."""
    return send_request(request, HttpOptions(ca_file), PROBE_TIMEOUT_S)


def read_collector_log(seconds: float) -> str:
    """Return what os-collect-config has logged lately; "" if nothing, or it cannot be read.

    A guest without systemd has a log file. Its lines have no time, so all of them are as old as the last.
    """
    try:
        if time.time() - get_modification_time(COLLECTOR_LOG_FILE) > seconds:
            return ""
        return COLLECTOR_LOG_FILE.read_bytes()[-LOG_BYTES_LIMIT:].decode(errors="replace")
    except FileNotFoundError:
        command = ("journalctl", f"--unit={COLLECTOR_UNIT}", f"--since=-{seconds:.0f}s", *JOURNAL_OPTIONS)
        return CommandServiceControl((), (), (), command).read_log()
    except OSError:
        return ""


def is_process_running(name: str) -> bool:
    """Return whether a program or an interpreter's script of that name runs. A name may include an argument."""
    for process in psutil.process_iter():
        try:
            words = [Path(word).name for word in process.cmdline()[:3]]
        except psutil.Error:  # the process has ended in the meantime
            continue
        if f" {name} " in f" {' '.join(words)} ":
            return True
    return False


@dataclass(frozen=True, slots=True)
class DiskSpace:
    """The bytes of a file system."""

    free: int
    total: int


def measure_disk_space(path: Path) -> DiskSpace:
    """Measure the file system that holds `path`, or will. OSError if that is not possible."""
    existing = next(folder for folder in (path, *path.parents) if folder.exists())
    usage = shutil.disk_usage(existing)
    return DiskSpace(usage.free, usage.total)


def get_modification_time(path: Path) -> float:
    """Return when a file was written, in seconds of the epoch. OSError if there is none."""
    return path.stat().st_mtime


@dataclass(frozen=True, slots=True)
class Probes:
    """One function for each kind of probe."""

    resolve_host: Callable[[str], tuple[str, ...]] = field(default=resolve_host)
    check_port: Callable[[str, int], None] = field(default=check_port)
    request_root: Callable[[str, str, Path | None], HttpResponse] = field(default=request_root)
    send_request: Callable[[HttpRequest, Path | None], HttpResponse] = field(default=send_metadata_request)
    read_collector_log: Callable[[float], str] = field(default=read_collector_log)
    is_listening: Callable[[Path], bool] = field(default=wakeup_pipe.is_listening)
    is_process_running: Callable[[str], bool] = field(default=is_process_running)
    measure_disk_space: Callable[[Path], DiskSpace] = field(default=measure_disk_space)
    get_modification_time: Callable[[Path], float] = field(default=get_modification_time)
    get_utc_now: Callable[[], datetime] = field(default=utc_now)
    read_timestamp: Callable[[], Timestamp] = field(default=read_timestamp)
