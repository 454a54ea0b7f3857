"""A folder that is made once on this machine and copied for every run. It is complete or absent.

It is named after what it was made of, so what nobody has used for long belongs to packages or checkouts that have gone.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from guestagent.embedded.host.cache_folder import hold_file_lock
from guestagent.embedded.real_heat import run_folder
from guestagent.embedded.real_heat.paths import RunPaths

DAY_S = 86400
UNUSED_LIMIT_DAYS = 14


def open_prepared_folder(folder: Path, draft: Path, lock: Path, fill: Callable[[Path], None]) -> Path:
    """Return the folder; let `fill` make it as a draft beside it if it is missing. From the main thread."""
    with hold_file_lock(lock):
        if not folder.is_dir():
            shutil.rmtree(draft, ignore_errors=True)
            fill(draft)
            run_folder.change_owner(
                draft, os.getuid(), os.getgid()
            )  # until it is copied no other account may read it
            os.sync()  # else a power cut after the renaming could leave files without their content
            draft.rename(folder)
            remove_unused_templates(folder.parent, time.time())
        os.utime(folder)
    return folder


def compute_source_digest(packages: str, files: Iterable[Path]) -> str:
    """Compute what changes with anything that goes into a folder: the packages, or our own files."""
    digest = hashlib.sha256(packages.encode())
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def remove_unused_templates(folder: Path, now: float) -> None:
    """Remove prepared folders that have not been used for long."""
    for path in folder.iterdir():
        is_unused = path.stat().st_mtime < now - UNUSED_LIMIT_DAYS * DAY_S
        if is_unused and RunPaths(path).data.is_dir():
            shutil.rmtree(path)
