"""The option file's text, and what a server makes of a value. Pure; the same settings give the same text."""

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
    """The whole file, for one group that only this family reads."""
    lines = (f"\n# {each.reason}\n{each.name} = {each.value}\n" for each in settings)
    return f"{HEADER}\n[{GROUPS[family]}]\n" + "".join(lines).removeprefix("\n")


def parse_option_file(content: str) -> dict[str, str]:
    """Read the variables of an option file, and their values, without its comments."""
    pairs = (line.partition("=") for line in content.splitlines() if not line.startswith(("#", ";", "[")))
    return {name.strip().replace("-", "_"): value.strip() for name, equals, value in pairs if equals}


def build_diff(before: str | None, after: str, path: str) -> str:
    """A unified diff, for people."""
    old = (before or "").splitlines(keepends=True)
    return "".join(unified_diff(old, after.splitlines(keepends=True), path, path, n=0))


def is_same_value(wanted: str, seen: str) -> bool:
    """Whether a running server's value is the wanted one, whichever way each is spelled."""
    one, other = _usual(wanted), _usual(seen)
    if one == other:
        return True
    with suppress(ValueError):
        return float(one) == float(other)
    return set(one.split(",")) == set(other.split(","))


def _usual(value: str) -> str:
    upper = value.strip().upper()
    return BOOLEAN_WORDS.get(upper, upper)
