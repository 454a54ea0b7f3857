"""Adds a key to a key file and kills itself before the effect of a given number: `python -m ... FILE NUMBER`.

An effect is an audit event of Python that changes a file. If there are fewer, the process prints the new key's id.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from guestagent.resources.service.key_changes import add_key, drop_key

EFFECTS = frozenset({"os.rename", "os.remove", "os.chmod"})
WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def main(path: Path, fatal_number: int, dropped: str = "") -> None:
    count = 0

    def count_effect(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal count
        is_write = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITE_FLAGS
        if event in EFFECTS or is_write:
            count += 1
            if count == fatal_number:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count_effect)
    ring = drop_key(path, dropped, ()) if dropped else add_key(path)
    sys.stdout.write(f"{ring.newest}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
