"""The locks in a cloud's state folder, and what of the folder is removed when the cloud ends."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from guestagent import atomic_file
from guestagent.embedded.host.cache_folder import make_public_folder
from guestagent.file_lock import hold_lock, open_lock, try_lock

REUSED_FOLDERS = ("image", "heat")
MANAGER_FOLDER = "manager"
"""Of a demo's resource manager: its store, keys and settings are worth nothing without the cloud."""
TEMPORARY_FILES = ("cloud.log", "lock", "running")


@contextmanager
def hold_state_folder(folder: Path) -> Iterator[None]:
    """Let one `up` or `down` at a time work on a state folder, which is created if it is missing."""
    make_public_folder(folder.parent)
    folder.mkdir(mode=atomic_file.PRIVATE_FOLDER, exist_ok=True)
    with hold_lock(folder / "lock", math.inf):
        yield


def get_run_lock(folder: Path) -> Path:
    """Return the lock that every started cloud holds from its first moment on, before it has a state file."""
    return folder / "running"


def is_cloud_running(folder: Path) -> bool:
    """Whether a cloud holds the run lock of this folder."""
    descriptor = open_lock(get_run_lock(folder))
    try:
        return not try_lock(descriptor)
    finally:
        os.close(descriptor)


def clean_state_folder(folder: Path, purge: bool) -> None:
    """Remove what a cloud that has ended no longer needs; with `purge` also what the next start would reuse."""
    if purge:
        for name in REUSED_FOLDERS:
            shutil.rmtree(folder / name, ignore_errors=True)
    shutil.rmtree(folder / MANAGER_FOLDER, ignore_errors=True)
    for name in TEMPORARY_FILES:
        (folder / name).unlink(missing_ok=True)
    for path in (folder / "guests", folder):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
