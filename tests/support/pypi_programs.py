"""Other people's programs from PyPI, each set of them in a virtual environment that outlives the checkout."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

from guestagent.embedded.host.cache_folder import find_cache_folder
from guestagent.embedded.host.cache_folder import hold_file_lock as locked

INSTALL_TIMEOUT_S = 240


def install_programs(name: str, packages: Sequence[str], alone: Sequence[str] = ()) -> Path:
    """The folder of these packages' programs. Those that stand `alone` come without what they depend on."""
    cache = find_cache_folder() / "clients"
    cache.mkdir(parents=True, exist_ok=True)
    made_from = hashlib.sha256("\n".join([sys.version, *packages, *alone]).encode()).hexdigest()[:8]
    folder = cache / f"{name}-{made_from}"
    with locked(cache / f"{name}.lock"):
        done = folder / "done"
        if not done.exists():
            venv.create(folder, clear=True, with_pip=True)  # a killed run may have left a part of it
            pip = [str(folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, *packages], check=True, capture_output=True, timeout=INSTALL_TIMEOUT_S)
            if alone:
                words = [*pip, "--no-deps", *alone]
                subprocess.run(words, check=True, capture_output=True, timeout=INSTALL_TIMEOUT_S)
            done.touch()
    return folder / "bin"
