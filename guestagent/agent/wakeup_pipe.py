"""The pipe that wakes the resident agent. Imports next to nothing, so that `poke` can wake it before all else."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from os import PathLike

PIPE_FOLDER = "/run/guestagent"
CONFIG_FILE = "/etc/guestagent/guestagent.conf"
PIPE_NAME = "bell"
FILES_VARIABLE = "OS_CONFIG_FILES"
WAKEUP = b"!"
TERMINATOR = b"\n"
MESSAGE_LIMIT_BYTES = 4096  # what a pipe takes in one piece
PIPE_CAPACITY_BYTES = 65536
CONFIG_SIZE_LIMIT = 65536  # characters
POKE_NICENESS = 10


def send_wakeup(folder: str, message: bytes = WAKEUP) -> None:
    """Wake the listener, which then reads the stored document, or the files that `message` lists.

    A missing listener or a full pipe is ignored.
    """
    if len(message) < MESSAGE_LIMIT_BYTES:
        with suppress(OSError):
            pipe = open_writer(f"{folder}/{PIPE_NAME}")
            try:
                os.write(pipe, message + TERMINATOR)
            finally:
                os.close(pipe)


def open_writer(path: str) -> int:
    """Open the pipe for writing, without blocking. OSError if no process listens at `path`."""
    return os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)


def is_listening(path: PathLike[str]) -> bool:
    """Return whether a process listens at the pipe at `path`. Nothing is sent.

    A killed process no longer listens, though its pipe remains.
    """
    try:
        os.close(open_writer(os.fspath(path)))
    except OSError:
        return False
    return True


def send_early_wakeup(config: str = CONFIG_FILE, add_niceness: Callable[[int], object] = os.nice) -> None:
    """Wake the agent before the document is stored, so that it starts while this process still imports modules.

    Then lower the priority of this process: on a machine with one processor it would take the agent's time.
    """
    folder = find_folder(config)
    if folder and (files := os.environb.get(FILES_VARIABLE.encode())):
        send_wakeup(folder, files)
        with suppress(OSError):
            add_niceness(POKE_NICENESS)


def find_folder(config: str = CONFIG_FILE) -> str:
    """Return the folder of the pipe: `run` of the settings, in the simple form that nearly every file has.

    "" if the file needs a real parser: then the agent is woken when the document is stored.
    """
    try:
        with open(config, encoding="utf-8") as file:  # noqa: PTH123 - pathlib is not imported here
            lines = file.read(CONFIG_SIZE_LIMIT).splitlines()
    except FileNotFoundError:
        return PIPE_FOLDER
    except (OSError, ValueError):
        return ""
    section, folder = "", PIPE_FOLDER
    for line in lines:
        if line.startswith("["):
            section = line.strip()
        name, delimiter, value = line.partition("=" if "=" in line else ":")
        if section == "[DEFAULT]" and delimiter and name.strip() == "run":
            folder = value.strip()
    return folder if folder.startswith("/") and not set(folder) & set("$\"'\\\0") else ""


def create_pipe(path: str) -> int:
    """Create a private pipe at `path`, in place of one that a killed process left, and open it without blocking.

    It is opened for writing, too: otherwise it would be at its end whenever there is no writer.
    """
    with suppress(FileNotFoundError):
        os.unlink(path)  # noqa: PTH108 - pathlib is not imported here
    os.mkfifo(path, 0o600)
    return os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)


def read_messages(pipe: int) -> Iterator[bytes]:
    """Return the messages since the last call."""
    with suppress(BlockingIOError):
        while content := os.read(pipe, PIPE_CAPACITY_BYTES):
            yield from content.split(TERMINATOR)[:-1]
