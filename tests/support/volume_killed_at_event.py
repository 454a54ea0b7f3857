"""Mounts a volume and kills itself before the effect of a given number: `python -m ... FOLDER NUMBER`.

An effect is an audit event of Python that changes a file or starts a program. If there are fewer, the process prints
how many there were.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from guestagent.volume import VolumeEnvironment, set_up_volume
from tests.support.volume_host import build_paths

EFFECTS = frozenset({"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "subprocess.Popen"})
WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def main(folder: Path, fatal_number: int) -> None:
    count = 0

    def count_effect(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal count
        is_write = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITE_FLAGS
        if event in EFFECTS or is_write:
            count += 1
            if count == fatal_number:
                os.kill(os.getpid(), signal.SIGKILL)

    environment = VolumeEnvironment(build_paths(folder), timeout_s=5.0)
    sys.addaudithook(count_effect)
    set_up_volume(environment)
    sys.stdout.write(f"{count}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
