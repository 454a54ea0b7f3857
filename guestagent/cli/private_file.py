"""A file with secrets that a person names. It is rejected if other users can read it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from guestagent.errors import InvalidInput, Problem
from guestagent.limited_read import read_limited

SHARED_MODE_BITS = stat.S_IRWXG | stat.S_IRWXO


def read_private_text(path: Path) -> str:
    """Read the text. Raise InvalidInput, without any of the content, if it is none or if the file is unsafe."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = read_limited(file)
    except OSError as error:
        raise InvalidInput([Problem(str(path), "a readable file", str(error.strerror))]) from error
    if mode & SHARED_MODE_BITS:
        mode_text, do = f"mode {stat.S_IMODE(mode):04o}", f"chmod 600 {path}"
        raise InvalidInput([Problem(str(path), "a file that its owner alone can read", mode_text, do)])
    try:
        return content.decode()
    except UnicodeDecodeError:
        # The original error would contain the bytes.
        raise InvalidInput([Problem(str(path), "a text", "bytes that are not UTF-8")]) from None
