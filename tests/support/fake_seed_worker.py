"""A seed worker in this process, with a runner and a server control that do as they are told."""

from __future__ import annotations

from pathlib import Path

from guestagent.retry import FakeClock
from guestagent.secret import Secret
from guestagent.seeding import DonorEndpoint, SeedFiles, SeedMethod, SeedRequest, SeedState
from guestagent.seeding.fake import FakeRunner, FakeServerControl
from guestagent.seeding.worker import WorkerEnvironment, run_seed

DONOR = DonorEndpoint("10.0.0.7", 3306, "donor0001", Secret("s3cret"), stream_port=4444)
REQUEST = SeedRequest("a1", SeedMethod.BACKUP, "mariadb", "Replica0001", "/run/x.sock", "/data", DONOR)


class FakeSeedWorker:
    def __init__(self, folder: Path) -> None:
        self.files, self.clock, self.runner = SeedFiles(folder), FakeClock(), FakeRunner()
        self.log: list[str] = []
        self.server = FakeServerControl()
        self.is_stopping = False

    def run(self) -> SeedState | None:
        return run_seed(
            WorkerEnvironment(
                self.files,
                self.clock,
                self.server,
                {SeedMethod.BACKUP: lambda: self.runner},
                lambda: self.is_stopping,
                self.log.append,
            )
        )
