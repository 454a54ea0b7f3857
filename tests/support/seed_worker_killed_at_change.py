"""The seed worker, which kills itself before the change of a number: the arguments of `seed_worker`, and the number.

A change is an audit event of Python that replaces or removes a file, creates a folder, sets a mode or starts a program.
The content of a folder that is moved or removed counts as one change at the most: `test_data_swap.py` has all of them.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from guestagent.seeding import SeedFiles
from guestagent.seeding.worker import run_seed
from tests.support.seed_worker import build_environment

CHANGES = frozenset(
    {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "shutil.rmtree", "subprocess.Popen"}
)

DRAFT_ENDING = ".draft"
"""Of a file that replaces another one in one step."""


def main(state_folder: Path, root: Path, server_folder: Path, fatal_number: int) -> None:
    count = 0

    def count_change(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal count
        is_removed_part = event in ("os.remove", "os.rmdir") and arguments[1] != -1
        is_moved_part = event == "os.rename" and not str(arguments[0]).endswith(DRAFT_ENDING)
        if event in CHANGES and not is_removed_part and not is_moved_part:
            count += 1
            if count == fatal_number:
                os.kill(os.getpid(), signal.SIGKILL)

    environment = build_environment(SeedFiles(state_folder), root, server_folder, [])
    sys.addaudithook(count_change)
    run_seed(environment)


if __name__ == "__main__":
    state_path, root_path, server_path = map(Path, sys.argv[1:4])
    main(state_path, root_path, server_path, int(sys.argv[4]))
