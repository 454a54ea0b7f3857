"""The environment variables of the tests: those of whoever runs them, without what would change a result."""

from __future__ import annotations

from collections.abc import Mapping

# A cloud, settings or a database client of the caller's own; a terminal's width and colours; systemd's and sudo's marks.
FOREIGN = ("OS_", "GUESTAGENT_", "XDG_", "MYSQL", "LC_")
FOREIGN_NAMES = frozenset(
    {"COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "LANGUAGE", "NOTIFY_SOCKET", "SUDO_USER", "PYTHONWARNINGS"}
)
OURS = frozenset({"GUESTAGENT_CACHE", "GUESTAGENT_GATE"})
LOCAL = ("localhost", "127.0.0.1", "10.77.0.0/16", "10.78.0.0/24")
"""Where the tests' own servers listen: no proxy leads there."""


def clean_environment(environment: Mapping[str, str]) -> dict[str, str]:
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


def _is_foreign(name: str) -> bool:
    return name.startswith(FOREIGN) or name in FOREIGN_NAMES
