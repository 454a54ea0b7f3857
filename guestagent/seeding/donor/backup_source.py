"""A running mariadb-backup whose output is compressed, limited and counted on its way."""

from __future__ import annotations

import fcntl
import os
import select
import threading
from contextlib import suppress
from typing import BinaryIO

from guestagent.retry import Clock
from guestagent.seeding.donor.rate_limit import RateLimit
from guestagent.seeding.programs import PIPE, ChildProgram, SeedPrograms

CHUNK_BYTES = 256 * 1024
PIPE_BYTES = 1 << 20
PARALLEL_THREADS = 2
ZSTD_COMMAND = ("zstd", "--quiet", "-1", "-T2", "--stdout")


def build_backup_command(socket: str, user: str, data_directory: str, temporary: str) -> tuple[str, ...]:
    """Build the command: fixed but for these four, without a password and without a shell."""
    return (
        "mariadb-backup",
        "--backup",
        "--stream=mbstream",
        f"--parallel={PARALLEL_THREADS}",
        f"--user={user}",
        f"--socket={socket}",
        f"--datadir={data_directory}",
        f"--target-dir={temporary}",
    )


class BackupSource:
    """The stream of a backup. `read` returns its bytes; `backup_bytes` are those of before the compression."""

    def __init__(
        self,
        programs: SeedPrograms,
        command: tuple[str, ...],
        clock: Clock,
        bytes_per_s: int,
        *,
        is_compressed: bool,
    ) -> None:
        self._clock, self._limit = clock, RateLimit(bytes_per_s)
        self.backup_bytes = 0
        self._backup = ChildProgram(programs.build_command(*command), stdout=PIPE)
        self._feeder: threading.Thread | None = None
        self._zstd: ChildProgram | None = None
        _enlarge_pipe(self._backup.stdout)
        if is_compressed:
            try:
                self._zstd = ChildProgram(programs.build_command(*ZSTD_COMMAND), stdin=PIPE, stdout=PIPE)
            except BaseException:
                self._backup.kill()
                raise
            self._feeder = threading.Thread(target=self._feed, args=(self._zstd.stdin,), daemon=True)
            self._feeder.start()

    def read(self, seconds: float) -> bytes | None:
        """Return the next bytes; b"" at the end, None if there are none within `seconds`."""
        pipe = self._backup.stdout if self._zstd is None else self._zstd.stdout
        if not select.select([pipe], [], [], seconds)[0]:
            return None
        chunk = os.read(pipe.fileno(), CHUNK_BYTES)
        if self._zstd is None:
            self._count(chunk)
        return chunk

    def finish(self) -> tuple[int, bool, str]:
        """Wait for the end of the programs. Return the exit status, whether the backup is whole, and the last words."""
        if self._feeder is not None:
            self._feeder.join()
        status = self._backup.wait()
        zstd_status = 0 if self._zstd is None else self._zstd.wait()
        return status or zstd_status, self._backup.has_completed, self._backup.last_words

    def kill(self) -> None:
        """End the programs, then what reads from them."""
        programs = [program for program in (self._backup, self._zstd) if program is not None]
        for program in programs:
            program.end()
        if self._feeder is not None:
            self._feeder.join()
        for program in programs:
            program.kill()

    def _feed(self, target: BinaryIO) -> None:
        """Copy the backup to zstd, at the rate of the limit."""
        source = self._backup.stdout
        with suppress(OSError, ValueError):  # one of the programs has ended, or was killed
            while chunk := os.read(source.fileno(), CHUNK_BYTES):
                self._count(chunk)
                rest = memoryview(chunk)
                while rest:
                    rest = rest[os.write(target.fileno(), rest) :]
        with suppress(OSError):
            target.close()

    def _count(self, chunk: bytes) -> None:
        self.backup_bytes += len(chunk)
        wait = self._limit.reserve(len(chunk), self._clock.now())
        if wait > 0:
            self._clock.sleep(wait)


def _enlarge_pipe(pipe: BinaryIO) -> None:
    with suppress(OSError):  # beyond the user's limit
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
