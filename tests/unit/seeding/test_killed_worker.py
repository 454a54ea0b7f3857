"""A seed worker that is killed before any of its changes to the seed's files: the next ones end the same seed."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from guestagent.errors import SeedError
from guestagent.retry import FakeClock
from guestagent.secret import Secret
from guestagent.seeding import DonorEndpoint, SeedFiles, SeedMethod, SeedPhase, SeedRequest, SeedState
from guestagent.seeding.fake import FakeRunner, FakeServerControl
from guestagent.seeding.worker import WorkerEnvironment, run_seed

DONOR = DonorEndpoint("10.0.0.7", 3306, "donor0001", Secret("s3cret"), stream_port=4444)
REQUEST = SeedRequest("a1", SeedMethod.BACKUP, "mariadb", "Replica0001", "/run/x.sock", "/data", DONOR)


class Killed(BaseException):
    """Ends the process, as kill -9 would."""


class MortalFiles(SeedFiles):
    """Files of a seed whose worker is killed before the change of a number; None: never."""

    def __init__(self, state_folder: Path, fatal_change: int | None) -> None:
        super().__init__(state_folder)
        self._rest = fatal_change

    def write_state(self, state: SeedState) -> None:
        self._count()
        super().write_state(state)

    def remove_request(self) -> None:
        self._count()
        super().remove_request()

    def _count(self) -> None:
        if self._rest == 0:
            raise Killed
        self._rest = None if self._rest is None else self._rest - 1


def fail_for_good(done: int) -> None:
    raise SeedError("wrong fingerprint", "look at the source")


class Worker:
    """A worker process. `on_step` is what an attempt meets."""

    def __init__(self, folder: Path, fatal_change: int | None, on_step: Callable[[int], None]) -> None:
        self.files, self.clock = MortalFiles(folder, fatal_change), FakeClock()
        self.runner, self.server = FakeRunner(on_step=on_step), FakeServerControl()
        self.log: list[str] = []

    def run(self) -> SeedState | None:
        return run_seed(
            WorkerEnvironment(
                self.files,
                self.clock,
                self.server,
                {SeedMethod.BACKUP: lambda: self.runner},
                lambda: False,
                self.log.append,
            )
        )


@pytest.mark.parametrize(
    ("on_step", "phase", "failure"),
    [(lambda done: None, SeedPhase.DONE, ""), (fail_for_good, SeedPhase.FAILED, "wrong fingerprint")],
    ids=["complete", "failed"],
)
def test_a_seed_ends_in_the_same_way_after_a_kill_before_any_change(
    tmp_path: Path, on_step: Callable[[int], None], phase: SeedPhase, failure: str
) -> None:
    for change in itertools.count():
        first = Worker(tmp_path / str(change), change, on_step)
        first.files.write_request(REQUEST)
        has_ended = False
        with suppress(Killed):
            has_ended = first.run() is not None
        cut_state = first.files.read_state()
        next_worker = Worker(tmp_path / str(change), None, on_step)

        next_worker.run()

        state = next_worker.files.read_state()
        assert state is not None
        assert (state.phase, state.failure) == (phase, failure), f"killed before change {change}"
        assert next_worker.files.read_request() is None
        if cut_state is not None and not cut_state.phase.has_ended:
            assert next_worker.log[0] == f"going on with the seed that was cut while {cut_state.phase}"
        if has_ended:
            break
    assert change >= 4


def test_a_withdrawn_seed_is_cleaned_up_after_a_kill_before_any_change(tmp_path: Path) -> None:
    for change in itertools.count():
        first = Worker(tmp_path / str(change), change, lambda done: None)
        state = SeedState("a1", SeedMethod.BACKUP, "/data", SeedPhase.SWAPPING)
        SeedFiles(tmp_path / str(change)).write_state(state)
        has_ended = False
        with suppress(Killed):
            first.run()
            has_ended = True
        next_worker = Worker(tmp_path / str(change), None, lambda done: None)

        next_worker.run()

        last_state = next_worker.files.read_state()
        assert last_state is not None
        assert last_state.is_withdrawn, f"killed before change {change}"
        if has_ended:
            break
        assert next_worker.server.commands == ["start"]
    assert change >= 1
