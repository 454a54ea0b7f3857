"""The input of a command: a file, or standard input."""

from __future__ import annotations

import sys
from pathlib import Path

from guestagent.errors import InvalidInput, Problem
from guestagent.limited_read import read_limited, read_limited_text

STDIN_HELP = "- reads standard input"


def read_input(name: str) -> tuple[str, str]:
    """Read the text, and return it with its name for errors. Raise InvalidInput if that is impossible."""
    try:
        if name == "-":
            return read_limited(sys.stdin.buffer).decode(), "standard input"
        return read_limited_text(Path(name)), name
    except OSError as error:
        raise InvalidInput([Problem(name, "a readable file", str(error.strerror))]) from error
    except UnicodeDecodeError as error:
        fault = f"bytes that are not UTF-8, from byte {error.start}"
        raise InvalidInput([Problem(name, "a text", fault)]) from error
