"""A seed worker on a disk without room for the seed's state: it waits for room, and goes on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.errors import StorageError
from guestagent.retry import FakeClock
from guestagent.secret import Secret
from guestagent.seeding import DonorEndpoint, SeedFiles, SeedMethod, SeedPhase, SeedRequest, SeedState
from guestagent.seeding.fake import FakeRunner, FakeServerControl
from guestagent.seeding.worker import WorkerEnvironment, run_seed

DONOR = DonorEndpoint("10.0.0.7", 3306, "donor0001", Secret("s3cret"), stream_port=4444)
REQUEST = SeedRequest(
    "a1", SeedMethod.BACKUP, "mariadb", "Replica0001", "/run/x.sock", "/data", DONOR, deadline_s=600
)
START_S = 1000.0


class CrampedFiles(SeedFiles):
    """Files of a seed on a disk that is full at some times of a clock."""

    def __init__(self, state_folder: Path, clock: FakeClock, full_from_s: float, full_until_s: float) -> None:
        super().__init__(state_folder)
        self._clock, self._full_from_s, self._full_until_s = clock, full_from_s, full_until_s

    def write_state(self, state: SeedState) -> None:
        if self._full_from_s <= self._clock.now() < self._full_until_s:
            raise StorageError("cannot write state.json: No space left on device; free some space")
        super().write_state(state)


class Worker:
    def __init__(self, folder: Path, full_from_s: float, full_until_s: float) -> None:
        self.clock = FakeClock(START_S)
        self.files = CrampedFiles(folder, self.clock, START_S + full_from_s, START_S + full_until_s)
        self.runner, self.server = FakeRunner(), FakeServerControl()
        self.log: list[str] = []

    def run(self) -> SeedState | None:
        runners = {SeedMethod.BACKUP: lambda: self.runner}
        return run_seed(
            WorkerEnvironment(self.files, self.clock, self.server, runners, lambda: False, self.log.append)
        )


def test_a_worker_that_starts_on_a_full_disk_goes_on_when_there_is_room(tmp_path: Path) -> None:
    state = SeedState("a1", SeedMethod.BACKUP, "/data", SeedPhase.TRANSFERRING, attempts=1)
    SeedFiles(tmp_path).write_state(state)
    worker = Worker(tmp_path, 0, 100)
    worker.files.write_request(REQUEST)

    ended_state = worker.run()

    assert ended_state is not None
    assert ended_state.phase is SeedPhase.DONE
    assert worker.log[0] == "going on with the seed that was cut while transferring"
    assert worker.log[2].endswith("cannot write state.json: No space left on device; free some space")


def test_a_complete_seed_is_recorded_when_there_is_room(tmp_path: Path) -> None:
    worker = Worker(tmp_path, 10, 100)
    worker.files.write_request(REQUEST)
    worker.runner.on_step = lambda done: worker.clock.sleep(5)

    state = worker.run()

    assert state is not None
    assert state.phase is SeedPhase.DONE
    assert worker.files.read_request() is None


def test_a_disk_that_stays_full_ends_the_worker_with_that_reason(tmp_path: Path) -> None:
    worker = Worker(tmp_path, 0, 10_000)
    worker.files.write_request(REQUEST)

    with pytest.raises(StorageError, match="No space left on device"):
        worker.run()

    assert worker.clock.now() - START_S >= REQUEST.deadline_s
    assert worker.files.read_request() == REQUEST


def test_a_server_that_was_stopped_for_a_seed_is_started_when_the_seed_fails(tmp_path: Path) -> None:
    worker = Worker(tmp_path, 5, 10_000)
    worker.files.write_request(replace(REQUEST, deadline_s=0))
    SeedFiles(tmp_path).write_state(SeedState("a1", SeedMethod.BACKUP, "/data", SeedPhase.SWAPPING))
    worker.clock.sleep(5)

    with pytest.raises(StorageError):
        worker.run()

    assert worker.server.commands == ["start"]
