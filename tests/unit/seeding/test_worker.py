"""The seed worker: one request, any number of attempts, and a kill between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.errors import SeedError, StorageError
from guestagent.file_lock import hold_lock
from guestagent.retry import FakeClock
from guestagent.seeding import SeedMethod, SeedPhase, SeedRequest, SeedState
from guestagent.seeding.fake import FakeRunner
from guestagent.seeding.protocols import SeedInterrupted, SeedReporter, SeedResult, ServerControl
from tests.support.fake_seed_worker import REQUEST, FakeSeedWorker


class Killed(BaseException):
    """Ends the process, as kill -9 would."""


class StallingRunner(FakeRunner):
    """Its first attempt reports the same bytes again and again."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self._clock = clock

    def run(self, request: SeedRequest, reporter: SeedReporter, server: ServerControl) -> SeedResult:
        while not self.runs:
            reporter.report_bytes(50, 100)
            self._clock.sleep(1)
            if reporter.state.attempts == 2:
                break
        return super().run(request, reporter, server)


@pytest.fixture
def worker(tmp_path: Path) -> FakeSeedWorker:
    return FakeSeedWorker(tmp_path)


def raise_once(error: BaseException) -> Callable[[int], None]:
    errors = [error]

    def on_step(done: int) -> None:
        if errors:
            raise errors.pop()

    return on_step


def test_a_seed_ends_with_its_position(worker: FakeSeedWorker) -> None:
    worker.files.write_request(REQUEST)

    state = worker.run()

    assert state is not None
    assert (state.phase, state.position, state.bytes_done) == (SeedPhase.DONE, "0-1-7", 100)
    assert worker.files.read_state() == state


def test_nothing_happens_without_a_request(worker: FakeSeedWorker) -> None:
    assert worker.run() is None
    assert worker.runner.runs == []


def test_a_request_is_read_as_it_was_written(worker: FakeSeedWorker) -> None:
    request = replace(REQUEST, rate_limit=7, replaces_data=True, discards_data=True)

    worker.files.write_request(request)

    assert worker.files.read_request() == request
    assert (worker.files.folder / "request.json").stat().st_mode & 0o777 == 0o600


def test_a_transient_error_is_followed_by_another_attempt(worker: FakeSeedWorker) -> None:
    worker.files.write_request(REQUEST)
    worker.runner.on_step = raise_once(SeedError("connection lost", is_transient=True))

    state = worker.run()

    assert state is not None
    assert (state.phase, state.attempts, state.failure) == (SeedPhase.DONE, 2, "")


def test_a_final_error_ends_the_seed(worker: FakeSeedWorker) -> None:
    worker.files.write_request(REQUEST)
    worker.runner.on_step = raise_once(SeedError("wrong fingerprint", "look at the source"))

    state = worker.run()

    assert state is not None
    assert (state.phase, state.attempts) == (SeedPhase.FAILED, 1)
    assert (state.failure, state.advice) == ("wrong fingerprint", "look at the source")


def test_attempts_end_with_the_deadline(worker: FakeSeedWorker) -> None:
    worker.files.write_request(replace(REQUEST, deadline_s=120))

    def lose_connection(done: int) -> None:
        raise SeedError("connection lost", is_transient=True)

    worker.runner.on_step = lose_connection

    state = worker.run()

    assert state is not None
    assert state.phase is SeedPhase.FAILED
    assert state.attempts > 2
    assert state.elapsed_s >= 120
    assert (
        state.failure == "Seeding.Deadline, 120 s, is over, and the last attempt has failed: connection lost"
    )


def test_a_seed_without_moving_bytes_begins_again(worker: FakeSeedWorker) -> None:
    worker.files.write_request(REQUEST)
    worker.runner = StallingRunner(worker.clock)

    state = worker.run()

    assert state is not None
    assert (state.phase, state.attempts) == (SeedPhase.DONE, 2)


def test_a_killed_worker_goes_on_and_says_so(worker: FakeSeedWorker) -> None:
    worker.files.write_request(REQUEST)
    worker.runner.on_step = raise_once(Killed())
    with pytest.raises(Killed):
        worker.run()

    state = worker.run()

    assert state is not None
    assert (state.phase, state.attempts) == (SeedPhase.DONE, 2)
    assert state.resumed == "going on with the seed that was cut while transferring: the copy begins anew"
    assert worker.log.count("the copy begins anew") == 1


def test_an_ended_seed_is_not_repeated(worker: FakeSeedWorker) -> None:
    worker.files.write_request(REQUEST)
    worker.run()

    assert worker.run() is None
    assert len(worker.runner.runs) == 1


def test_a_request_that_outlived_its_seed_is_removed(worker: FakeSeedWorker) -> None:
    worker.files.write_request(REQUEST)
    worker.run()
    worker.files.write_request(REQUEST)

    state = worker.run()

    assert state is not None
    assert state.phase is SeedPhase.DONE
    assert worker.files.read_request() is None
    assert len(worker.runner.runs) == 1


def test_a_withdrawn_seed_stops_and_leaves_nothing(worker: FakeSeedWorker) -> None:
    worker.files.write_request(REQUEST)

    def withdraw(done: int) -> None:
        worker.files.remove_request()
        worker.clock.sleep(5)

    worker.runner.on_step = withdraw
    with pytest.raises(SeedInterrupted):
        worker.run()

    assert worker.run() is None
    assert worker.runner.cleaned == [("a1", "/data")]
    state = worker.files.read_state()
    assert state is not None
    assert (state.phase, state.failure) == (SeedPhase.FAILED, "withdrawn")


@pytest.mark.parametrize(
    ("phase", "commands"), [(SeedPhase.TRANSFERRING, []), (SeedPhase.SWAPPING, ["start"])]
)
def test_the_server_that_a_withdrawn_seed_has_stopped_is_started(
    worker: FakeSeedWorker, phase: SeedPhase, commands: list[str]
) -> None:
    worker.files.write_state(SeedState("a1", SeedMethod.BACKUP, "/data", phase))

    worker.run()

    assert worker.server.commands == commands


def test_another_request_cleans_up_after_the_unfinished_one(worker: FakeSeedWorker) -> None:
    worker.files.write_request(REQUEST)
    worker.runner.on_step = raise_once(Killed())
    with pytest.raises(Killed):
        worker.run()
    worker.files.write_request(replace(REQUEST, id="b2"))

    state = worker.run()

    assert state is not None
    assert (state.id, state.phase) == ("b2", SeedPhase.DONE)
    assert worker.runner.cleaned == [("a1", "/data")]


def test_two_workers_do_not_run_at_once(worker: FakeSeedWorker) -> None:
    worker.files.write_request(REQUEST)

    with hold_lock(worker.files.lock), pytest.raises(StorageError):
        worker.run()


def test_a_method_without_a_runner_fails_with_advice(worker: FakeSeedWorker) -> None:
    worker.files.write_request(replace(REQUEST, method=SeedMethod.DUMP))

    state = worker.run()

    assert state is not None
    assert state.failure == "no seed by dump"
    assert "Seeding.Method" in state.advice


def test_phases_have_their_seconds(worker: FakeSeedWorker) -> None:
    worker.files.write_request(REQUEST)
    worker.runner.on_step = lambda done: worker.clock.sleep(3)

    state = worker.run()

    assert state is not None
    assert state.phase_seconds["transferring"] == 6.0


def test_the_bytes_of_a_long_seed_are_logged_now_and_then(worker: FakeSeedWorker) -> None:
    worker.files.write_request(REQUEST)
    worker.runner = FakeRunner(total=100 << 20, step=1 << 20, on_step=lambda done: worker.clock.sleep(1))

    worker.run()

    lines = [line for line in worker.log if line.startswith("seed by backup: transferring")]
    assert len(lines) == 3
    assert lines[0].startswith("seed by backup: transferring, 30 of 100 MiB, 1 MiB/s")


def test_a_seed_whose_state_cannot_be_read_begins_anew(worker: FakeSeedWorker) -> None:
    worker.files.write_request(REQUEST)
    (worker.files.folder / "state.json").write_text("{")

    state = worker.run()

    assert state is not None
    assert state.phase is SeedPhase.DONE
    assert "cannot be read" in worker.log[0]


def test_a_damaged_request_ends_the_worker_as_a_withdrawn_one_does(worker: FakeSeedWorker) -> None:
    worker.files.write_request(REQUEST)

    def damage(done: int) -> None:
        (worker.files.folder / "request.json").write_text("{")
        worker.clock.sleep(5)

    worker.runner.on_step = damage

    with pytest.raises(SeedInterrupted):
        worker.run()
