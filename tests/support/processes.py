"""Finding and killing processes that are not children of this one."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tests.support.polling import wait_until


def find_processes(*words: str) -> list[int]:
    """Return the ids of processes whose command line has all of these words."""
    return [pid for pid, line in list_commands() if all(word in line for word in words)]


def list_commands() -> Iterator[tuple[int, str]]:
    """List the running processes and their command lines."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            yield int(path.parent.name), path.read_bytes().replace(b"\0", b" ").decode(errors="replace")


def kill(pid: int) -> None:
    """Kill a process, and wait until it is gone."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{pid}/exe").exists())
