"""Escapes foreign texts (metadata, servers, Heat, file names), so that a terminal shows them and obeys none of them."""

from __future__ import annotations

import re

_HIDDEN = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters, except tab and newline
    r"\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f"  # bidirectional controls and line separators
    r"\u00ad\u180e\u200b-\u200d\u2060-\u2065\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff"  # invisible characters
    r"\ud800-\udfff"  # surrogates, which cannot be encoded
)
HIDDEN_CHARACTER = re.compile(f"[{_HIDDEN}]")
HIDDEN_LINE_CHARACTER = re.compile(f"[\t\n{_HIDDEN}]")


def escape_text(text: str) -> str:
    """Return the text with control, bidirectional and invisible characters escaped as in Python. Newlines stay."""
    return text if text.isascii() and text.isprintable() else HIDDEN_CHARACTER.sub(_escape_match, text)


def escape_line(text: str) -> str:
    """Escape newlines and tabs, too, so that a name with a newline in it cannot look like a line of guestagent."""
    return text if text.isascii() and text.isprintable() else HIDDEN_LINE_CHARACTER.sub(_escape_match, text)


def _escape_match(match: re.Match[str]) -> str:
    character = match[0]
    if ord(character) > 127:
        return character.encode("ascii", "backslashreplace").decode()
    return repr(character)[1:-1]
