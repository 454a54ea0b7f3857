"""A file with passwords. It is rejected if other users can read it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from guestagent.errors import InvalidInput, Problem
from guestagent.limited_read import read_limited
from guestagent.secret import Secret

SHARED_MODE_BITS = stat.S_IRWXG | stat.S_IRWXO


def read_password_file(path: Path) -> dict[str, Secret]:
    """Read the passwords by node. Raise InvalidInput, without any of the content, if they are invalid or unsafe."""
    from guestagent.controller.cluster_file import load_input
    from guestagent.controller.passwords import parse_passwords

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
        text = content.decode()
    except UnicodeDecodeError:
        # The original error would contain the bytes.
        raise InvalidInput([Problem(str(path), "a text", "bytes that are not UTF-8")]) from None
    try:
        return parse_passwords(load_input(text, InvalidInput))
    except InvalidInput as error:
        raise InvalidInput(error.problems, str(path)) from None
