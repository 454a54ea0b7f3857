"""Processes by their number and start time, which distinguish a process from a later one with the same number."""

from __future__ import annotations

from pathlib import Path

import psutil


def get_start_time(pid: int) -> float:
    """Return when a running process began."""
    return psutil.Process(pid).create_time()


def is_same_process(pid: int, start_time: float) -> bool:
    """Whether the process that began at this time is still running."""
    try:
        process = psutil.Process(pid)
        is_same = abs(process.create_time() - start_time) < 1
        return is_same and process.status() != psutil.STATUS_ZOMBIE  # nobody may ever reap it
    except (psutil.Error, ValueError, OverflowError):  # no process can have that number
        return False


def find_holders(path: Path) -> list[int]:
    """Return the processes that have the file open, as far as this user may know."""
    holders, target = [], str(path.resolve())
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(str(link.readlink()) == target for link in (process / "fd").iterdir()):
                holders.append(int(process.name))
        except OSError:  # another user's, or it has ended meanwhile
            continue
    return holders
