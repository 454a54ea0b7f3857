"""Retries are values; no test waits for one."""

import random
from itertools import islice

import pytest

from guestagent.retry import Backoff, FakeClock, Retry

KNOCK = Retry(errors=(ConnectionError,), backoff=Backoff(initial_s=1, max_s=4, jitter=0))


class FailingService:
    """Opens at the given call_service."""

    def __init__(self, recovers_at: int) -> None:
        self.knocks, self.recovers_at = 0, recovers_at

    def call_service(self) -> str:
        self.knocks += 1
        if self.knocks < self.recovers_at:
            raise ConnectionError(f"call_service {self.knocks}")
        return "come in"


def test_waits_double_up_to_the_most() -> None:
    clock = FakeClock()

    answer = KNOCK.call(FailingService(recovers_at=6).call_service, until=clock.now() + 100, clock=clock)

    assert answer == "come in"
    assert clock.slept == [1, 2, 4, 4, 4]


def test_the_last_wait_ends_at_the_deadline_and_the_last_error_is_raised() -> None:
    clock = FakeClock()

    with pytest.raises(ConnectionError, match="call_service 4"):
        KNOCK.call(FailingService(recovers_at=99).call_service, until=clock.now() + 5, clock=clock)

    assert clock.slept == [1, 2, 2]


def test_other_errors_are_not_retried() -> None:
    def raise_type_error() -> None:
        raise KeyError("raise_type_error")

    with pytest.raises(KeyError):
        KNOCK.call(raise_type_error, until=1e9, clock=FakeClock())


def test_a_deadline_in_the_past_still_allows_one_attempt() -> None:
    assert KNOCK.call(FailingService(recovers_at=1).call_service, until=0, clock=FakeClock()) == "come in"


def test_jitter_only_shortens() -> None:
    waits = Backoff(initial_s=8, max_s=8, jitter=0.5).iterate_waits(get_random=lambda: 1.0)

    assert next(waits) == 4


def test_waits_leave_the_random_numbers_of_the_process_alone() -> None:
    before = random.getstate()

    list(islice(Backoff(initial_s=1, max_s=8).iterate_waits(), 3))

    assert random.getstate() == before
