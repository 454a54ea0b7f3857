"""A file that a command is given, or standard input."""

from __future__ import annotations

import sys
from pathlib import Path

from guestagent.errors import InvalidInput, Problem

STDIN_HELP = "- reads standard input"


def read_input(name: str) -> tuple[str, str]:
    """The text, and the name that errors give it; InvalidInput where there is no text to be had."""
    try:
        if name == "-":
            return sys.stdin.buffer.read().decode(), "standard input"
        return Path(name).read_text(encoding="utf-8"), name
    except OSError as error:
        raise InvalidInput([Problem(name, "a readable file", str(error.strerror))]) from error
    except UnicodeDecodeError as error:
        found = f"bytes that are not UTF-8, from byte {error.start}"
        raise InvalidInput([Problem(name, "a text", found)]) from error
