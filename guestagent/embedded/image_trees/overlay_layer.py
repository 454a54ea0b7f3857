"""The upper folder of an overlay, merged into a copy of the lower one. The copy shares its files with the original."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

OPAQUE_ATTRIBUTE = "trusted.overlay.opaque"


def merge_layer(upper: Path, tree: Path) -> None:
    """Move everything from `upper` into `tree`, and remove what was removed in the overlay.

    No file of `tree` is written to, because the original has the same one: it is replaced.
    """
    for path in sorted(upper.iterdir()):
        target = tree / path.name
        status = path.lstat()
        if stat.S_ISDIR(status.st_mode):
            if _is_opaque(path) or not target.is_dir() or target.is_symlink():
                _remove(target)
            target.mkdir(exist_ok=True)
            shutil.copystat(path, target)
            os.chown(target, status.st_uid, status.st_gid)
            merge_layer(path, target)
            _strip_overlay_attributes(target)
        elif (
            stat.S_ISCHR(status.st_mode) and status.st_rdev == 0
        ):  # a whiteout: it was removed in the overlay
            _remove(target)
        else:
            _remove(target)
            path.rename(target)
            _strip_overlay_attributes(target)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _is_opaque(folder: Path) -> bool:
    return OPAQUE_ATTRIBUTE in os.listxattr(folder)


def _strip_overlay_attributes(path: Path) -> None:
    for name in os.listxattr(path, follow_symlinks=False):
        if name.startswith("trusted.overlay."):
            os.removexattr(path, name, follow_symlinks=False)
