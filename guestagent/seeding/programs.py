"""Child processes of a seed: of backups, of their streams, and of dumps. None outlives the thread that started it."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, cast

from guestagent.errors import SeedError

PIPE, NOTHING = subprocess.PIPE, subprocess.DEVNULL
LAST_LINES_LIMIT = 8
LAST_WORDS_LIMIT = 600
POLL_INTERVAL_S = 0.2
PIPE_BYTES = 1 << 20
"""Of each pipe of data. The kernel's own 64 KiB let the programs wait for one another."""
COMPLETED = "completed OK!"
"""mariadb-backup's last line if it has done all of its work. Its exit status alone does not prove it."""
VERSION_MARK = "based on MariaDB server "
INSTALL_ADVICE = "install the mariadb-backup of the server's version"
END_WITH_PARENT = ("setpriv", "--pdeathsig", "KILL", "--")


@dataclass(frozen=True, slots=True)
class SeedPrograms:
    """How the programs are started. `prefix` comes before each command line, such as one that enters another root."""

    prefix: tuple[str, ...] = ()

    def build_command(self, *argv: str) -> tuple[str, ...]:
        return (*END_WITH_PARENT, *self.prefix, *argv)

    def has_program(self, name: str) -> bool:
        """Return whether this program is installed. With a prefix that is not known in advance."""
        return bool(self.prefix) or shutil.which(name) is not None


class ChildProgram:
    """A running program. `stdin` and `stdout` are PIPE, NOTHING, or a file. What it reports is kept in part."""

    def __init__(
        self,
        argv: Sequence[str],
        stdin: int | BinaryIO = NOTHING,
        stdout: int | BinaryIO = NOTHING,
        descriptors: Sequence[int] = (),
    ) -> None:
        """Start the program, which inherits the `descriptors`. SeedError if that is not possible."""
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"}
        try:
            self._process = subprocess.Popen(
                argv,
                stdin=stdin,
                stdout=stdout,
                stderr=PIPE,
                env=environment,
                cwd="/",
                bufsize=0,
                pass_fds=descriptors,
            )
        except OSError as error:
            raise SeedError(f"cannot start {argv[0]}: {error.strerror}", is_transient=True) from error
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                _enlarge_pipe(pipe)
        self._lines: deque[str] = deque(maxlen=LAST_LINES_LIMIT)
        self._reader = threading.Thread(target=self._read_lines, daemon=True)
        self._reader.start()

    @property
    def stdin(self) -> BinaryIO:
        return cast("BinaryIO", self._process.stdin)

    @property
    def stdout(self) -> BinaryIO:
        return cast("BinaryIO", self._process.stdout)

    @property
    def last_words(self) -> str:
        """The end of what it reported on its standard error, in one line."""
        return " ".join(" ".join(self._lines).split())[-LAST_WORDS_LIMIT:]

    @property
    def has_completed(self) -> bool:
        """Whether its last line is that of a mariadb-backup that has done all of its work."""
        return bool(self._lines) and self._lines[-1].endswith(COMPLETED)

    def wait(self, meanwhile: Callable[[], None] = lambda: None) -> int:
        """Wait for its end, and return its exit status. An exception of `meanwhile` kills it."""
        try:
            while True:
                try:
                    status = self._process.wait(POLL_INTERVAL_S)
                    break
                except subprocess.TimeoutExpired:
                    meanwhile()
        finally:
            self.kill()
        return status

    def end(self) -> None:
        """End it, if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def kill(self) -> None:
        """End it, if it still runs, and close its pipes."""
        self.end()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def _read_lines(self) -> None:
        pipe = self._process.stderr
        assert pipe is not None
        rest = b""
        while chunk := pipe.read(4096):
            *lines, rest = (rest + chunk).split(b"\n")
            self._lines += [line.decode(errors="replace").strip() for line in lines if line.strip()]
            rest = rest[-LAST_WORDS_LIMIT:]
        if rest.strip():
            self._lines.append(rest.decode(errors="replace").strip())


def _enlarge_pipe(pipe: IO[bytes]) -> None:
    with suppress(OSError):  # beyond the user's limit
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)


def sync_files(folder: Path, meanwhile: Callable[[], None]) -> None:
    """Wait until all files of the folder's file system are on the disk. Raises SeedError."""
    program = ChildProgram(("sync", "--file-system", str(folder)))
    if program.wait(meanwhile):
        raise SeedError(f"the new data are not on the disk: {program.last_words}", is_transient=True)


def read_backup_version(programs: SeedPrograms) -> str:
    """Return the version of the server that mariadb-backup belongs to. SeedError if it is not installed."""
    program = ChildProgram(programs.build_command("mariadb-backup", "--version"))
    status = program.wait()
    version = program.last_words.partition(VERSION_MARK)[2].partition(" ")[0]
    if status or not version:
        raise SeedError(
            f"mariadb-backup does not run: {program.last_words or status}", INSTALL_ADVICE, is_transient=True
        )
    return version
