"""The worker undoes a seed that is withdrawn or has failed, as often as that takes, and names what is damaged."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from guestagent.errors import SeedError, StorageError
from guestagent.seeding import SeedMethod, SeedPhase, SeedState
from guestagent.seeding.fake import FakeRunner
from guestagent.seeding.protocols import SeedReporter, ServerControl
from tests.support.fake_seed_worker import REQUEST, FakeSeedWorker

MOVING = SeedState("a1", SeedMethod.BACKUP, "/data", SeedPhase.TRANSFERRING)
SILENT = SeedError("the server does not answer", is_transient=True)
FOREIGN = SeedError("the server has transactions that did not come with this seed: 0-9-9", "look at them")


@dataclass(slots=True)
class ObstructedRunner(FakeRunner):
    """A runner that cannot undo its seed as long as there are obstacles."""

    obstacles: list[SeedError | StorageError] = field(default_factory=list)

    def clean_up(self, reporter: SeedReporter, server: ServerControl) -> None:
        if self.obstacles:
            raise self.obstacles.pop(0)
        FakeRunner.clean_up(self, reporter, server)


@pytest.fixture
def worker(tmp_path: Path) -> FakeSeedWorker:
    return FakeSeedWorker(tmp_path)


def test_a_withdrawn_seed_is_undone_as_soon_as_that_is_possible(worker: FakeSeedWorker) -> None:
    worker.runner = ObstructedRunner(obstacles=[SILENT, StorageError("no room")])
    worker.files.write_state(MOVING)

    first, second = worker.run(), worker.run()
    worker.run()

    assert first is not None
    assert second is not None
    assert (first.phase, first.failure) == (SeedPhase.TRANSFERRING, "the server does not answer")
    assert (second.phase, second.failure) == (SeedPhase.TRANSFERRING, "no room")
    state = worker.files.read_state()
    assert state is not None
    assert state.is_withdrawn
    assert worker.runner.cleaned == [("a1", "/data")]


def test_no_other_seed_begins_before_the_withdrawn_one_is_undone(worker: FakeSeedWorker) -> None:
    worker.runner = ObstructedRunner(obstacles=[SILENT])
    worker.files.write_state(MOVING)
    worker.files.write_request(replace(REQUEST, id="b2"))

    worker.run()

    assert worker.runner.runs == []


def test_a_withdrawn_seed_that_cannot_be_undone_is_a_failure_with_its_reason(worker: FakeSeedWorker) -> None:
    worker.runner = ObstructedRunner(obstacles=[FOREIGN])
    worker.files.write_state(MOVING)

    worker.run()

    state = worker.files.read_state()
    assert state is not None
    assert (state.phase, state.is_withdrawn) == (SeedPhase.FAILED, False)
    assert state.failure == f"withdrawn, and cannot be undone: {FOREIGN}"
    assert state.advice == "look at them"


def test_a_failed_seed_that_cannot_be_undone_names_both_reasons(worker: FakeSeedWorker) -> None:
    def fail(done: int) -> None:
        raise SeedError("wrong fingerprint", "look at the source")

    worker.runner = ObstructedRunner(on_step=fail, obstacles=[SILENT])
    worker.files.write_request(REQUEST)

    state = worker.run()

    assert state is not None
    assert state.failure == "wrong fingerprint; the seed cannot be undone: the server does not answer"


def test_nothing_is_done_for_a_damaged_request(worker: FakeSeedWorker) -> None:
    worker.files.write_state(MOVING)
    worker.files.request_path.write_text("{")

    with pytest.raises(StorageError) as failure:
        worker.run()

    assert str(failure.value).startswith(
        f"the request of the seed cannot be read: {worker.files.request_path}"
    )
    assert (worker.runner.runs, worker.runner.cleaned) == ([], [])
    assert worker.files.read_state() == MOVING
