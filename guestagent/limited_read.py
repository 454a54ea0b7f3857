"""Reading of what a person passes to a command: a device or a pipe may never end."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import BinaryIO

INPUT_SIZE_LIMIT = 16 * 1024 * 1024
"""Bytes. No document, configuration or password file is as large."""


def read_limited(file: BinaryIO) -> bytes:
    """Read the file to its end. Raise OSError if it is larger than the limit."""
    content = file.read(INPUT_SIZE_LIMIT + 1)
    if len(content) > INPUT_SIZE_LIMIT:
        raise OSError(errno.EFBIG, f"more than {INPUT_SIZE_LIMIT // 2**20} MiB, the limit")
    return content


def read_limited_text(path: Path) -> str:
    """Read a text in UTF-8, with any kind of line ends. Raise OSError or UnicodeDecodeError."""
    with path.open("rb") as file:
        text = read_limited(file).decode()
    return text.replace("\r\n", "\n").replace("\r", "\n")
