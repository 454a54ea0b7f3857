"""Receives a backup stream into a folder, and proves that it is whole."""

from __future__ import annotations

import hashlib
import os
import select
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from guestagent.errors import SeedError
from guestagent.seeding.donor_client import DonorClient
from guestagent.seeding.programs import PIPE, ChildProgram, SeedPrograms
from guestagent.seeding.protocols import SeedReporter
from guestagent.seeding.stream_frames import Frame, FrameKind
from guestagent.seeding.stream_messages import (
    ZSTD,
    StreamOffer,
    StreamTrailer,
    parse_offer,
    parse_trailer,
)
from guestagent.strict_json import UnreadableContent, get_number, get_text

T = TypeVar("T")
WRITE_INTERVAL_S = 0.5
PARALLEL_THREADS = 2


def wait_for_offer(client: DonorClient, reporter: SeedReporter) -> StreamOffer:
    """Wait, in the donor's queue if need be, until the stream begins. Raises SeedError if the donor refuses it."""
    client.meanwhile = reporter.check_stalled
    while True:
        frame = client.read()
        if frame.kind is FrameKind.OFFER:
            return _parse(parse_offer, frame)
        if frame.kind is not FrameKind.WAIT:
            raise _read_refusal(frame)
        reporter.report_queue(_parse(lambda data: int(get_number(data, "queue")), frame))


class BackupTransfer:
    """One stream on its way to `folder`, which is empty but for the seed's marker."""

    def __init__(self, client: DonorClient, offer: StreamOffer, folder: Path, programs: SeedPrograms) -> None:
        self._client, self._offer, self._folder, self._programs = client, offer, folder, programs
        self._digest, self._received_bytes, self._backup_bytes = hashlib.sha256(), 0, 0

    def receive(self, reporter: SeedReporter) -> int:
        """Receive all, and return the bytes of the backup. Raises SeedError unless it is proved whole."""
        report = lambda: reporter.report_bytes(self._backup_bytes, self._offer.data_bytes)  # noqa: E731
        self._client.meanwhile = report
        programs = self._start_programs()
        try:
            sink = programs[0].stdin
            os.set_blocking(sink.fileno(), False)
            trailer = self._copy(sink.fileno(), report)
            sink.close()
            statuses = [program.wait(reporter.check_stop) for program in programs]
        except BrokenPipeError as error:
            raise SeedError(
                f"the backup cannot be unpacked: {_join_words(programs)}", is_transient=True
            ) from error
        finally:
            for program in programs:
                program.kill()
        self._check(trailer)
        if any(statuses):
            raise SeedError(f"the backup cannot be unpacked: {_join_words(programs)}", is_transient=True)
        # The last report came up to a second before the last byte.
        reporter.report_bytes(trailer.backup_bytes, self._offer.data_bytes)
        return trailer.backup_bytes

    def _start_programs(self) -> list[ChildProgram]:
        """Start what unpacks the stream; the first one gets it."""
        command = self._programs.build_command(
            "mbstream", "-x", "-C", str(self._folder), "-p", str(PARALLEL_THREADS)
        )
        if self._offer.compression != ZSTD:
            return [ChildProgram(command, stdin=PIPE)]
        zstd = ChildProgram(
            self._programs.build_command(ZSTD, "--quiet", "--decompress", "--stdout"), stdin=PIPE, stdout=PIPE
        )
        try:
            mbstream = ChildProgram(command, stdin=zstd.stdout)
        except SeedError:
            zstd.kill()
            raise
        zstd.stdout.close()  # so that zstd fails if mbstream ends
        return [zstd, mbstream]

    def _copy(self, sink: int, report: Callable[[], None]) -> StreamTrailer:
        while True:
            frame = self._client.read()
            if frame.kind is FrameKind.DATA:
                self._digest.update(frame.payload)
                self._received_bytes += len(frame.payload)
                write_all(sink, frame.payload, report)
            elif frame.kind is FrameKind.PROGRESS:
                self._backup_bytes = _parse(lambda data: int(get_number(data, "backup_bytes")), frame)
                report()
            elif frame.kind is FrameKind.TRAILER:
                return _parse(parse_trailer, frame)
            else:
                raise _read_refusal(frame)

    def _check(self, trailer: StreamTrailer) -> None:
        if trailer.exit_code or not trailer.has_completed:
            raise SeedError(f"the backup has failed at the source: {trailer.last_words}", is_transient=True)
        if (trailer.sent_bytes, trailer.digest) != (self._received_bytes, self._digest.hexdigest()):
            raise SeedError("the backup has changed on its way from the source", is_transient=True)


def write_all(sink: int, chunk: bytes, report: Callable[[], None]) -> None:
    """Write to a pipe. A reader that does not read, for example because of its disk, counts as a stall."""
    rest = memoryview(chunk)
    while rest:
        if select.select([], [sink], [], WRITE_INTERVAL_S)[1]:
            rest = rest[os.write(sink, rest) :]
        else:
            report()


def _parse(parse: Callable[[dict[str, object]], T], frame: Frame) -> T:
    try:
        return parse(frame.parse())
    except UnreadableContent as error:
        raise SeedError(
            f"the donor sends a message that cannot be read: {error}", is_transient=True
        ) from error


def _read_refusal(frame: Frame) -> SeedError:
    """Return the error of a donor that refuses the stream, or sends what does not belong here."""
    if frame.kind is not FrameKind.REFUSAL:
        return SeedError(f"the donor sends a frame {frame.kind.name} out of order", is_transient=True)
    data = _parse(dict, frame)
    reason, advice = _parse(lambda data: (get_text(data, "reason"), get_text(data, "advice", "")), frame)
    return SeedError(f"the donor refuses: {reason}", advice, is_transient=data.get("is_final") is not True)


def _join_words(programs: list[ChildProgram]) -> str:
    return "; ".join(words for program in programs if (words := program.last_words)) or "no reason given"
