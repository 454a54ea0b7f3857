"""A running mariadb-backup whose output is compressed, limited and counted on its way."""

from __future__ import annotations

import os
import select
import threading
from contextlib import suppress
from typing import BinaryIO

from guestagent.retry import Clock
from guestagent.seeding.donor.rate_limit import RateLimit
from guestagent.seeding.programs import PIPE, ChildProgram, SeedPrograms

CHUNK_BYTES = 256 * 1024
PARALLEL_THREADS = 2
LOG_COPY_INTERVAL_MS = 50
"""How often mariadb-backup looks for new redo log. At its end it looks once more while no transaction may commit."""
ZSTD_COMMAND = ("zstd", "--quiet", "-1", "-T2", "--stdout")


def build_backup_command(socket: str, user: str, data_directory: str, temporary: str) -> tuple[str, ...]:
    """Build the command: fixed but for these four, without a password and without a shell."""
    return (
        "mariadb-backup",
        "--backup",
        "--stream=mbstream",
        f"--parallel={PARALLEL_THREADS}",
        f"--log-copy-interval={LOG_COPY_INTERVAL_MS}",
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
            self._count(len(chunk))
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
        """Move the backup to zstd, at the rate of the limit. The kernel does it, without a copy."""
        source = self._backup.stdout
        with suppress(OSError, ValueError):  # one of the programs has ended, or was killed
            while size := os.splice(source.fileno(), target.fileno(), CHUNK_BYTES):
                self._count(size)
        with suppress(OSError):
            target.close()

    def _count(self, size: int) -> None:
        self.backup_bytes += size
        wait = self._limit.reserve(size, self._clock.now())
        if wait > 0:
            self._clock.sleep(wait)
