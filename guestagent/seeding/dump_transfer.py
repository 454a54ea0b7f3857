"""Moves a dump from its program into the client that executes it, and proves that it is whole."""

from __future__ import annotations

import os
import select
from collections.abc import Callable
from dataclasses import dataclass

from guestagent.errors import SeedError
from guestagent.retry import Clock
from guestagent.seeding.backup_transfer import write_all
from guestagent.seeding.donor.rate_limit import RateLimit
from guestagent.seeding.dump_dialect import DumpDialect
from guestagent.seeding.dump_failure import build_dump_error, build_load_error
from guestagent.seeding.dump_scanner import DumpScanner
from guestagent.seeding.programs import PIPE, ChildProgram, SeedPrograms
from guestagent.seeding.protocols import SeedReporter

CHUNK_BYTES = 1 << 16
READ_INTERVAL_S = 0.5


@dataclass(frozen=True, slots=True)
class LoadedDump:
    """A dump that is proved whole and was executed."""

    position: str
    bytes_done: int


class DumpTransfer:
    """One dump on its way. `on_snapshot` is called once, when its snapshot has been taken."""

    def __init__(
        self,
        dialect: DumpDialect,
        programs: SeedPrograms,
        clock: Clock,
        bytes_per_s: int,
        on_snapshot: Callable[[], None],
    ) -> None:
        self._dialect, self._programs, self._clock = dialect, programs, clock
        self._limit, self._on_snapshot = RateLimit(bytes_per_s), on_snapshot
        self._scanner, self._bytes_done = DumpScanner(dialect), 0

    def run(
        self,
        dump_arguments: tuple[str, ...],
        load_arguments: tuple[str, ...],
        descriptors: tuple[int, ...],
        reporter: SeedReporter,
    ) -> LoadedDump:
        """Move all of the dump. Raises SeedError unless both programs have succeeded and it has its last line."""
        dump = ChildProgram(
            self._programs.build_command(*dump_arguments), stdout=PIPE, descriptors=descriptors
        )
        try:
            load = ChildProgram(self._programs.build_command(*load_arguments), stdin=PIPE)
            try:
                self._move(dump, load, reporter)
            finally:
                load.kill()
        finally:
            dump.kill()
        position = self._scanner.position
        if position is None:
            raise SeedError(
                f"{self._dialect.dump_program} gives no GTID position: the source has no binary log",
                "start the source with log_bin",
                is_transient=True,
            )
        return LoadedDump(position, self._bytes_done)

    def _move(self, dump: ChildProgram, load: ChildProgram, reporter: SeedReporter) -> None:
        sink = load.stdin.fileno()
        os.set_blocking(sink, False)
        try:
            write_all(sink, self._dialect.load_session.encode(), lambda: self._report(reporter))
            while chunk := self._read(dump, reporter):
                write_all(sink, chunk, lambda: self._report(reporter))
            # Without a whole dump nothing more is executed: the client would execute even a cut statement.
            if dump.wait(reporter.check_stop) or not self._scanner.is_complete:
                raise build_dump_error(self._dialect.dump_program, _select_words(dump))
            load.stdin.close()
            status = load.wait(reporter.check_stop)
        except BrokenPipeError:
            status = load.wait(reporter.check_stop) or 1
        if status:
            raise build_load_error(self._dialect.load_program, load.last_words)

    def _read(self, dump: ChildProgram, reporter: SeedReporter) -> bytes:
        source = dump.stdout.fileno()
        while not select.select([source], [], [], READ_INTERVAL_S)[0]:
            self._report(reporter)
        chunk = os.read(source, CHUNK_BYTES)
        self._bytes_done += len(chunk)
        had_head = self._scanner.has_head
        self._scanner.feed(chunk)
        if self._scanner.has_head and not had_head:
            self._on_snapshot()
        self._report(reporter)
        wait = self._limit.reserve(len(chunk), self._clock.now())
        if wait:
            self._clock.sleep(wait)
        return chunk

    def _report(self, reporter: SeedReporter) -> None:
        # The size of the text is not known in advance: that of the data is another one.
        reporter.report_bytes(self._bytes_done, 0)


def _select_words(dump: ChildProgram) -> str:
    """Return what the dump's program has reported, without the warning that each dump of some schemas has."""
    before, found, after = dump.last_words.partition("Warning: A partial dump")
    return f"{before} {after.partition('--events.')[2]}".strip() if found else before
