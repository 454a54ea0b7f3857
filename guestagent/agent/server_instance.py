"""Identifies the running instance of the database server, to notice its restarts."""

from __future__ import annotations

from pathlib import Path


def identify_server_instance(socket: Path) -> tuple[int, int] | None:
    """Identify the listening server: each one creates its socket when it starts. None if there is none."""
    try:
        attributes = socket.stat()
    except OSError:
        return None
    return attributes.st_ino, attributes.st_ctime_ns
