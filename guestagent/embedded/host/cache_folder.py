"""The folder of what is made once on this machine, outside any checkout, and folders that other accounts can enter."""

from __future__ import annotations

import math
import os
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from guestagent.file_lock import hold_lock

DEFAULT_CACHE_FOLDER = Path("/var/cache/guestagent")
CACHE_VARIABLE = "GUESTAGENT_CACHE"


def find_cache_folder() -> Path:
    """Return /var/cache/guestagent, or the folder that GUESTAGENT_CACHE names."""
    return Path(os.environ.get(CACHE_VARIABLE) or DEFAULT_CACHE_FOLDER).absolute()


def make_public_folder(folder: Path) -> None:
    """Create a missing folder, and those above it, so that other accounts can enter them whatever our umask is."""
    if folder.is_dir():
        return
    make_public_folder(folder.parent)
    with suppress(FileExistsError):  # another process has just made it
        folder.mkdir()
        folder.chmod(0o755)


def hold_file_lock(path: Path) -> AbstractContextManager[int]:
    """Hold a lock between processes; wait for as long as another process holds it."""
    return hold_lock(path, math.inf)
