"""Third-party programs from PyPI, each set in a virtual environment that is kept in the cache."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

from guestagent.embedded.host.cache_folder import find_cache_folder, hold_file_lock

INSTALL_TIMEOUT_S = 900


def install_programs(name: str, packages: Sequence[str], alone: Sequence[str] = ()) -> Path:
    """Return the folder with the programs of these packages; `alone` are installed without their dependencies."""
    cache = find_cache_folder() / "clients"
    cache.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256("\n".join([sys.version, *packages, *alone]).encode()).hexdigest()[:8]
    folder = cache / f"{name}-{digest}"
    with hold_file_lock(cache / f"{name}.lock"):
        marker = folder / "done"
        if not marker.exists():
            venv.create(folder, clear=True, with_pip=True)  # a killed run may have left an incomplete one
            pip = [str(folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, *packages], check=True, capture_output=True, timeout=INSTALL_TIMEOUT_S)
            if alone:
                argv = [*pip, "--no-deps", *alone]
                subprocess.run(argv, check=True, capture_output=True, timeout=INSTALL_TIMEOUT_S)
            marker.touch()
    return folder / "bin"
