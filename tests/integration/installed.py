"""Other people's programs from PyPI, each set of them in a virtual environment that outlives the run."""

from __future__ import annotations

import fcntl
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "clients"


def installed(name: str, packages: Sequence[str], alone: Sequence[str] = ()) -> Path:
    """The folder of these packages' programs. Those that stand `alone` come without what they depend on."""
    folder = CACHE / f"{name}-{sys.version_info.major}.{sys.version_info.minor}"
    wanted = "\n".join([*packages, *alone])
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = folder / "done"
        if not done.exists() or done.read_text() != wanted:
            venv.create(folder, clear=True, with_pip=True)
            pip = [str(folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, *packages], check=True, capture_output=True, timeout=240)
            if alone:
                subprocess.run([*pip, "--no-deps", *alone], check=True, capture_output=True, timeout=240)
            done.write_text(wanted)
    return folder / "bin"
