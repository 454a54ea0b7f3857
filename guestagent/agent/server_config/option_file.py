"""The text of the option file, and comparisons of its values with a server's. Pure; equal settings give equal text."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from difflib import unified_diff

from guestagent.agent.server_config.settings import ServerSetting
from guestagent.agent.server_sizes.option_file_text import HEADER, render_setting

GROUPS = {"mariadb": "mariadbd", "mysql": "mysqld"}
BOOLEAN_WORDS = {"ON": "1", "TRUE": "1", "YES": "1", "OFF": "0", "FALSE": "0", "NO": "0"}


def render_option_file(family: str, settings: Iterable[ServerSetting]) -> str:
    """Render the whole file, with one group that only this family reads."""
    lines = (render_setting(each.name, each.value, each.reason) for each in settings)
    return f"{HEADER}\n[{GROUPS[family]}]\n" + "".join(lines).removeprefix("\n")


def build_diff(old_text: str | None, new_text: str, path: str) -> str:
    """Build a unified diff, for people."""
    old_lines = (old_text or "").splitlines(keepends=True)
    return "".join(unified_diff(old_lines, new_text.splitlines(keepends=True), path, path, n=0))


def is_same_value(expected: str, actual: str) -> bool:
    """Return whether a running server has the expected value, whichever way each is spelled."""
    one, other = _normalize(expected), _normalize(actual)
    if one == other:
        return True
    with suppress(ValueError):
        return float(one) == float(other)
    return set(one.split(",")) == set(other.split(","))


def _normalize(value: str) -> str:
    upper = value.strip().upper()
    return BOOLEAN_WORDS.get(upper, upper)
