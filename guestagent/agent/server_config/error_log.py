"""Why a server did not start: its own last words, and the variable that they speak of. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

ERROR_LINES_LIMIT = 3
ERROR_TEXT_LIMIT = 300
NOISE_PATTERN = re.compile(r"WSREP:|Aborting\s*$|initialization aborted\s*$")


def extract_last_errors(*logs: str) -> str:
    """The last errors of the first log that has any; without the statements that a server quotes."""
    for log in logs:
        errors = [
            line for line in log.splitlines() if re.search(r"\[ERROR\]|unknown variable|option .* ", line)
        ]
        told = [_plain(line) for line in errors if not NOISE_PATTERN.search(line)]
        if told:
            return " / ".join(dict.fromkeys(told[-ERROR_LINES_LIMIT:]))[:ERROR_TEXT_LIMIT]
    return ""


def find_blamed_settings(words: str, before: str, after: str) -> tuple[str, ...]:
    """The settings of the new file that the words name; where they name none, those that changed."""
    old = dict(_settings(before))
    return find_named_settings(words, after) or tuple(
        name for name, value in _settings(after) if old.get(name) != value
    )


def find_named_settings(words: str, content: str) -> tuple[str, ...]:
    """Return the settings of an option file that the words name."""
    said = words.replace("-", "_").lower()
    return tuple(name for name in dict(_settings(content)) if re.search(rf"\b{re.escape(name)}\b", said))


def _settings(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            yield name.strip().replace("-", "_"), value.strip()


def _plain(line: str) -> str:
    """Without date, thread and program, which differ each time."""
    text = re.sub(r"^.*?\[ERROR\]\s*", "", line.partition("Query:")[0])
    return " ".join(re.sub(r"^(\[[^\]]*\]\s*)*(\S*(mariadbd|mysqld): )?", "", text).split())
