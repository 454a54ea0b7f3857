"""Protocols between the seed worker, its runners (one for each method) and the database server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from guestagent.seeding.request import SeedRequest
from guestagent.seeding.state import SeedPhase, SeedState


class SeedInterrupted(Exception):
    """The worker is stopping, or the seed is not wanted any more. Whatever is on the disk is for the next start."""


class ServerControl(Protocol):
    """The local database server as a service, which answers at `socket`. Each call returns when it is done.

    Raises SeedError with the server's own last words if it fails; `check_stop` of the reporter is called meanwhile.
    """

    @property
    def socket(self) -> str: ...

    def start(self, reporter: SeedReporter) -> None:
        """Start the server, and wait until its socket answers."""

    def stop(self, reporter: SeedReporter) -> None:
        """Stop the server, and wait until its process has ended."""


class SeedReporter(Protocol):
    """Receives the progress of an attempt. Every call may raise SeedInterrupted."""

    @property
    def state(self) -> SeedState:
        """The state as it is on the disk."""

    def enter(self, phase: SeedPhase) -> None:
        """Begin a phase. It is on the disk when the call returns."""

    def report_bytes(self, done: int, total: int) -> None:
        """Report how many bytes have come, and of how many (0: unknown). Cheap: not every call writes.

        Raises SeedError (transient) if no byte has moved for STALL_TIMEOUT_S.
        """

    def report_queue(self, place: int) -> None:
        """Report how many other replicas the donor serves before. As long as this is reported, nothing has stalled."""

    def check_stalled(self) -> None:
        """Raise SeedError (transient) if nothing has moved for STALL_TIMEOUT_S. Otherwise as `check_stop`."""

    def report_resumption(self, how: str) -> None:
        """Tell how a start of the worker goes on with a seed that was cut. The first start has nothing to tell."""

    def remember(self, memo: Mapping[str, str]) -> None:
        """Replace the runner's memo. It is on the disk when the call returns."""

    def check_stop(self) -> None:
        """Raise SeedInterrupted if the attempt must end. To be called at least once a second."""


@dataclass(frozen=True, slots=True)
class SeedResult:
    """A complete seed. `position` is the GTID position of the data, from which the channel goes on."""

    position: str
    bytes_done: int
    source_version: str = ""


class SeedRunner(Protocol):
    """One method. It survives a kill at any point: the next `run` goes on from what is on the disk.

    Raises SeedError, whose `is_transient` says whether another attempt may succeed.
    """

    def run(self, request: SeedRequest, reporter: SeedReporter, server: ServerControl) -> SeedResult:
        """Seed the local server, which then runs with the data, without a channel, and is read-only."""

    def clean_up(self, reporter: SeedReporter, server: ServerControl) -> None:
        """Undo the seed of the reporter's state, which is withdrawn or has failed, and remove its files.

        The server then has its old data; it is empty if it was so before, or if they were discarded. It may be stopped
        if the phase is one of those that stop it. To repeat this is harmless.
        """
