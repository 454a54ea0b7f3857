"""A file of passwords that a person gives: read strictly, and refused where others can read it too."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from guestagent.errors import InvalidInput, Problem
from guestagent.secret import Secret

SHARED_MODE_BITS = stat.S_IRWXG | stat.S_IRWXO


def read_password_file(path: Path) -> dict[str, Secret]:
    """The passwords by node; InvalidInput, without a word of the file, where they cannot be had or are not safe."""
    from guestagent.controller.cluster_file import load_input
    from guestagent.controller.passwords import parse_passwords

    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read()
    except OSError as error:
        raise InvalidInput([Problem(str(path), "a readable file", str(error.strerror))]) from error
    if mode & SHARED_MODE_BITS:
        found, do = f"mode {stat.S_IMODE(mode):04o}", f"chmod 600 {path}"
        raise InvalidInput([Problem(str(path), "a file that its owner alone can read", found, do)])
    try:
        decoded = text.decode()
    except UnicodeDecodeError:
        # Not its error, which would carry the bytes along.
        raise InvalidInput([Problem(str(path), "a text", "bytes that are not UTF-8")]) from None
    try:
        return parse_passwords(load_input(decoded, InvalidInput))
    except InvalidInput as error:
        raise InvalidInput(error.problems, str(path)) from None
