"""The file that lists the daemons' processes, for the cleanup after the cloud was killed."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from guestagent import atomic_file
from guestagent.embedded.host.process_identity import get_start_time, is_same_process
from guestagent.errors import DeadlineExceeded
from guestagent.strict_json import UnreadableContent, get_number, parse_object
from guestagent.unreadable_file import parse_file, quarantine_file

KILL_TIMEOUT_S = 20.0
POLL_INTERVAL_S = 0.02
PID_DIGITS_LIMIT = 9


def write_process_file(path: Path, pids: Iterable[int]) -> None:
    """Write the processes with their start times."""
    atomic_file.write_file(path, json.dumps({pid: get_start_time(pid) for pid in pids}).encode())


def kill_leftovers(path: Path) -> None:
    """Kill what an earlier run wrote down and left; return when nothing of it runs.

    A file that cannot be read is quarantined: its processes have ended with the cloud that started them.
    """
    try:
        start_times = parse_file(path, _parse)
    except UnreadableContent as error:
        quarantine_file(path, str(error))
        return
    if start_times is None:
        return
    leftovers = _list_running(start_times)
    for pid in leftovers:
        with suppress(ProcessLookupError):  # it is ending with the cloud that started it
            os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + KILL_TIMEOUT_S
    while _list_running(start_times):
        if time.monotonic() > deadline:
            pids = ", ".join(map(str, leftovers))
            raise DeadlineExceeded(f"processes of an earlier run survive SIGKILL: {pids}")
        time.sleep(POLL_INTERVAL_S)
    atomic_file.remove_file(path)


def _list_running(start_times: dict[int, float]) -> list[int]:
    return [pid for pid, start_time in start_times.items() if is_same_process(pid, start_time)]


def _parse(content: bytes) -> dict[int, float]:
    values = parse_object(content)
    if not all(pid.isdecimal() and 0 < len(pid) <= PID_DIGITS_LIMIT for pid in values):
        raise UnreadableContent("not processes")
    return {int(pid): get_number(values, pid) for pid in values}
