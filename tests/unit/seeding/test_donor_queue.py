"""A replica that waits for its turn at the donor: what it shows, and when it gives up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from guestagent.errors import SeedError
from guestagent.retry import FakeClock
from guestagent.seeding import SeedFiles, SeedMethod, SeedPhase, SeedState
from guestagent.seeding.backup_transfer import wait_for_offer
from guestagent.seeding.donor_client import DonorClient
from guestagent.seeding.reporter import STALL_TIMEOUT_S, FileReporter
from guestagent.seeding.stream_frames import Frame, FrameKind
from guestagent.seeding.stream_messages import ServerFacts, StreamOffer

OFFER = StreamOffer(ServerFacts("11.8.3-MariaDB"), 5 << 20, 1 << 20, "")


class ScriptedClient(DonorClient):
    """A connection that delivers a frame after each so many seconds; None: nothing comes."""

    def __init__(self, clock: FakeClock, *answers: tuple[float, Frame | None]) -> None:
        self._clock, self._answers = clock, list(answers)

    def read(self) -> Frame:
        seconds, frame = self._answers.pop(0)
        for _ in range(int(seconds)):
            self._clock.sleep(1)
            self.meanwhile()
        assert frame is not None, "the wait goes on for ever"
        return frame


class WaitingReplica:
    def __init__(self, folder: Path) -> None:
        self.files, self.clock, self.log = SeedFiles(folder), FakeClock(), list[str]()
        state = SeedState("a1", SeedMethod.BACKUP, "/data", SeedPhase.CONNECTING)
        self.reporter = FileReporter(state, None, self.files, self.clock, lambda: False, self.log.append)

    def wait(self, *answers: tuple[float, Frame | None]) -> StreamOffer:
        return wait_for_offer(ScriptedClient(self.clock, *answers), self.reporter)


@pytest.fixture
def replica(tmp_path: Path) -> WaitingReplica:
    return WaitingReplica(tmp_path)


def build_wait(place: int) -> Frame:
    return Frame(FrameKind.WAIT, b'{"queue": %d}' % place)


def build_offer() -> Frame:
    return Frame(FrameKind.OFFER, json.dumps(OFFER.as_json()).encode())


def test_the_state_shows_how_many_replicas_come_before(replica: WaitingReplica) -> None:
    offer = replica.wait((1, build_wait(2)), (1, build_wait(2)), (1, build_wait(1)), (1, build_offer()))

    state = replica.files.read_state()
    assert (offer, state is not None and state.queue) == (OFFER, 1)
    assert replica.log == [
        "seed by backup: connecting, waiting for 2 other replicas to be served",
        "seed by backup: connecting, waiting for 1 other replica to be served",
    ]


def test_a_long_queue_is_no_stall(replica: WaitingReplica) -> None:
    waits = [(STALL_TIMEOUT_S / 2, build_wait(1))] * 10

    assert replica.wait(*waits, (1, build_offer())) == OFFER


def test_a_donor_that_is_silent_in_the_queue_is_given_up(replica: WaitingReplica) -> None:
    with pytest.raises(SeedError, match="no byte has come for 60 s") as failure:
        replica.wait((1, build_wait(1)), (STALL_TIMEOUT_S + 1, None))

    assert failure.value.is_transient


def test_the_queue_is_over_in_the_next_phase(replica: WaitingReplica) -> None:
    replica.wait((1, build_wait(2)), (1, build_offer()))

    replica.reporter.enter(SeedPhase.TRANSFERRING)

    state = replica.files.read_state()
    assert state is not None
    assert state.queue == 0
