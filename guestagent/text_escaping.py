"""Texts of others (metadata, servers, Heat, file names) as a person can read them, and no terminal obeys them."""

from __future__ import annotations

import re

_HIDDEN = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls, but tab and newline
    r"\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f"  # the order of writing, and line separators
    r"\u00ad\u180e\u200b-\u200d\u2060-\u2065\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff"  # nothing to see
    r"\ud800-\udfff"  # halves of a character, which no encoding has
)
HIDDEN_CHARACTER = re.compile(f"[{_HIDDEN}]")
HIDDEN_LINE_CHARACTER = re.compile(f"[\t\n{_HIDDEN}]")


def escape_text(text: str) -> str:
    """Return the text with every control, bidirectional and invisible character spelled as in Python. Lines stay."""
    return text if text.isascii() and text.isprintable() else HIDDEN_CHARACTER.sub(_spell, text)


def escape_line(text: str) -> str:
    """Return the same on one line: a name with a newline in it cannot look like a line of ours."""
    return text if text.isascii() and text.isprintable() else HIDDEN_LINE_CHARACTER.sub(_spell, text)


def _spell(found: re.Match[str]) -> str:
    return (
        found[0].encode("ascii", "backslashreplace").decode() if ord(found[0]) > 127 else repr(found[0])[1:-1]
    )
