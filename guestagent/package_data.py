"""What is shipped beside the code: `elements` for diskimage-builder, and `systemd`."""

from __future__ import annotations

from pathlib import Path

from guestagent.errors import StorageError

_PACKAGE = Path(__file__).parent
# A wheel holds the folders inside the package; a checkout, and so an editable installation, beside it.
_PLACES = (_PACKAGE / "_shipped", _PACKAGE.parent)


def find_package_data(name: str) -> Path:
    """The folder `name` as it was shipped with this very code."""
    for place in _PLACES:
        if (place / name).is_dir():
            return place / name
    raise StorageError(f"{name} is missing beside {_PACKAGE}: this installation is not complete")
