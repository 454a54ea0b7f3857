#!/usr/bin/env python3
"""Build the disk that the tests boot in virtual machines. Exit code 77 if this machine cannot build it."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from guestagent.embedded.image_trees import MARIADB_RECIPE
from guestagent.errors import GuestAgentError
from tests.support.disk_images import provide_disk


def main() -> int:
    """Build it unless the cache has it. Return an exit code."""
    try:
        disk = provide_disk(MARIADB_RECIPE, report)
    except GuestAgentError as error:
        report(str(error))
        return error.exit_code
    report(f"{MARIADB_RECIPE.name}: {disk}, {disk.stat().st_size // 2**20} MiB")
    return 0


def report(message: str) -> None:
    """Print progress to standard error."""
    print(f"disk image: {message}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
