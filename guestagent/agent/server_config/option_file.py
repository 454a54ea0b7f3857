"""The text of the option file, and comparisons of its values with a server's. Pure; equal settings give equal text."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from difflib import unified_diff

from guestagent.agent.server_config.settings import ServerSetting

HEADER = """\
# Managed by guestagent: what is edited here is overwritten at its next look.
# To set something else, say it in the node's metadata: GuestAgent.Variables, which is `variables:` in cluster.yaml.
# Lines that explain themselves stand above each setting.
"""
GROUPS = {"mariadb": "mariadbd", "mysql": "mysqld"}
BOOLEAN_WORDS = {"ON": "1", "TRUE": "1", "YES": "1", "OFF": "0", "FALSE": "0", "NO": "0"}


def render_option_file(family: str, settings: Iterable[ServerSetting]) -> str:
    """Render the whole file, with one group that only this family reads."""
    lines = (f"\n# {each.reason}\n{each.name} = {each.value}\n" for each in settings)
    return f"{HEADER}\n[{GROUPS[family]}]\n" + "".join(lines).removeprefix("\n")


def parse_option_file(content: str) -> dict[str, str]:
    """Read the variables of an option file, and their values, without its comments."""
    pairs = (line.partition("=") for line in content.splitlines() if not line.startswith(("#", ";", "[")))
    return {name.strip().replace("-", "_"): value.strip() for name, equals, value in pairs if equals}


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
