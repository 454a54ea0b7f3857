"""Folders that are shipped with the code: `elements` for diskimage-builder, and `systemd`."""

from __future__ import annotations

from pathlib import Path

from guestagent.errors import StorageError

_PACKAGE = Path(__file__).parent
# A wheel holds the folders inside the package; a checkout, and so an editable installation, beside it.
_PARENT_FOLDERS = (_PACKAGE / "_shipped", _PACKAGE.parent)


def find_package_data(name: str) -> Path:
    """Return the folder `name` of this installation."""
    for parent in _PARENT_FOLDERS:
        if (parent / name).is_dir():
            return parent / name
    raise StorageError(f"this installation is incomplete: {name} is missing beside {_PACKAGE}")
