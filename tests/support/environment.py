"""The environment of the tests: the caller's variables without those that would change a result."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

# The caller's own cloud, settings and database client; a terminal's width and colours; marks of systemd and sudo.
FOREIGN = ("OS_", "GUESTAGENT_", "XDG_", "MYSQL", "LC_")
FOREIGN_NAMES = frozenset(
    {
        "COLUMNS",
        "LINES",
        "NO_COLOR",
        "FORCE_COLOR",
        "LANGUAGE",
        "NOTIFY_SOCKET",
        "SUDO_USER",
        "PYTHONWARNINGS",
    }
)
OURS = frozenset({"GUESTAGENT_CACHE", "GUESTAGENT_GATE"})
LOCAL = ("localhost", "127.0.0.1", "10.77.0.0/16", "10.78.0.0/24")
"""Addresses of the tests' own servers, which must bypass a proxy."""


def filter_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables for the tests and their child processes.

    The variables of the caller's cloud stay if CONTRACT_HEAT names one, because that cloud is tested.
    """
    is_cloud_named = environment.get("CONTRACT_HEAT", "real") != "real"
    filtered = {
        name: value
        for name, value in environment.items()
        if name in OURS or (is_cloud_named and name.startswith("OS_")) or not _is_foreign(name)
    }
    filtered["LC_ALL"] = "C.UTF-8"
    if any(name.lower().endswith("_proxy") for name in filtered):
        for name in ("no_proxy", "NO_PROXY"):
            filtered[name] = ",".join([*filter(None, [filtered.get(name)]), *LOCAL])
    return filtered


@contextmanager
def open_public_folder() -> Iterator[Path]:
    """Create a temporary folder that the accounts of a real Heat's daemons can enter, unlike pytest's own."""
    gate = os.environ.get("GUESTAGENT_GATE", "/var/tmp")
    with tempfile.TemporaryDirectory("-heat", "guestagent-", gate, ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


def _is_foreign(name: str) -> bool:
    return name.startswith(FOREIGN) or name in FOREIGN_NAMES
