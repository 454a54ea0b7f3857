"""Where the tests run: with the caller's environment variables, but for those that would change a result."""

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
"""Where the tests' own servers listen: no proxy leads there."""


def filter_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """What the tests and their children run with.

    The caller's cloud stays if CONTRACT_HEAT names one: that is the one to be tested.
    """
    asked = environment.get("CONTRACT_HEAT", "real") != "real"
    kept = {
        name: value
        for name, value in environment.items()
        if name in OURS or (asked and name.startswith("OS_")) or not _is_foreign(name)
    }
    kept["LC_ALL"] = "C.UTF-8"
    if any(name.lower().endswith("_proxy") for name in kept):
        for name in ("no_proxy", "NO_PROXY"):
            kept[name] = ",".join([*filter(None, [kept.get(name)]), *LOCAL])
    return kept


@contextmanager
def open_public_folder() -> Iterator[Path]:
    """A temporary folder that other accounts can enter, as they cannot pytest's own: a real Heat's daemons must."""
    gate = os.environ.get("GUESTAGENT_GATE", "/var/tmp")
    with tempfile.TemporaryDirectory("-heat", "guestagent-", gate, ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


def _is_foreign(name: str) -> bool:
    return name.startswith(FOREIGN) or name in FOREIGN_NAMES
