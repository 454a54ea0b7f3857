"""The pipe through which the resident agent is told to look. Imports next to nothing, so that it rings first of all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from os import PathLike

PIPE_FOLDER = "/run/guestagent"
CONFIG_FILE = "/etc/guestagent/guestagent.conf"
PIPE_NAME = "bell"
FILES_VARIABLE = "OS_CONFIG_FILES"
WAKEUP = b"!"
TERMINATOR = b"\n"
MESSAGE_LIMIT_BYTES = 4096  # bytes that a pipe takes in one piece
PIPE_CAPACITY_BYTES = 65536  # bytes that it holds
POKE_NICENESS = 10  # niceness


def send_wakeup(folder: str, message: bytes = WAKEUP) -> None:
    """Tell the listener to look: at the document that was stored, or at the files that `message` lists. Nobody there,
    or one with a full ear, is fine.
    """
    if len(message) < MESSAGE_LIMIT_BYTES:
        with suppress(OSError):
            bell = open_writer(f"{folder}/{PIPE_NAME}")
            try:
                os.write(bell, message + TERMINATOR)
            finally:
                os.close(bell)


def open_writer(path: str) -> int:
    """A descriptor to ring with, which never blocks; OSError where nobody listens at `path`."""
    return os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)


def is_listening(path: PathLike[str]) -> bool:
    """Return whether a process listens at the pipe at `path`. Nothing is sent. A killed one does not, though its pipe
    remains.
    """
    try:
        os.close(open_writer(os.fspath(path)))
    except OSError:
        return False
    return True


def send_early_wakeup() -> None:
    """Before the document is stored: the agent may begin while this process still imports what it needs.

    It makes room for the agent then: on a machine with one processor each would take the other's time.
    """
    folder = find_folder()
    if folder and (files := os.environb.get(FILES_VARIABLE.encode())):
        send_wakeup(folder, files)
        with suppress(OSError):
            os.nice(POKE_NICENESS)


def find_folder(config: str = CONFIG_FILE) -> str:
    """Return the folder of the pipe: `run` of the configuration, read as plainly as it is nearly always written.

    "" if it takes more than that to read it: then the agent is told when the document is stored.
    """
    try:
        with open(config, encoding="utf-8") as file:  # noqa: PTH123 - pathlib is not imported here
            lines = file.read().splitlines()
    except FileNotFoundError:
        return PIPE_FOLDER
    except (OSError, ValueError):
        return ""
    section, found = "", PIPE_FOLDER
    for line in lines:
        if line.startswith("["):
            section = line.strip()
        name, mark, value = line.partition("=" if "=" in line else ":")
        if section == "[DEFAULT]" and mark and name.strip() == "run":
            found = value.strip()
    return found if found.startswith("/") and not set(found) & set("$\"'\\\0") else ""


def create_pipe(path: str) -> int:
    """A new bell at `path`, private, in place of one that a killed process left: a descriptor that never blocks.

    Open for writing too, or it would seem to have ended whenever nobody rings.
    """
    with suppress(FileNotFoundError):
        os.unlink(path)  # noqa: PTH108 - pathlib is not imported here
    os.mkfifo(path, 0o600)
    return os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)


def read_messages(bell: int) -> Iterator[bytes]:
    """All that were rung since the last call."""
    with suppress(BlockingIOError):
        while content := os.read(bell, PIPE_CAPACITY_BYTES):
            yield from content.split(TERMINATOR)[:-1]
