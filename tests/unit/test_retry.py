"""Retries are values; no test waits for one."""

import random
from itertools import islice

import pytest

from guestagent.retry import Backoff, FakeClock, Retry

KNOCK = Retry(errors=(ConnectionError,), backoff=Backoff(initial_s=1, max_s=4, jitter=0))


class Door:
    """Opens at the given knock."""

    def __init__(self, opens_at: int) -> None:
        self.knocks, self.opens_at = 0, opens_at

    def knock(self) -> str:
        self.knocks += 1
        if self.knocks < self.opens_at:
            raise ConnectionError(f"knock {self.knocks}")
        return "come in"


def test_waits_double_up_to_the_most() -> None:
    clock = FakeClock()

    answer = KNOCK.call(Door(opens_at=6).knock, until=clock.now() + 100, clock=clock)

    assert answer == "come in"
    assert clock.slept == [1, 2, 4, 4, 4]


def test_the_last_wait_ends_at_the_deadline_and_the_last_error_is_told() -> None:
    clock = FakeClock()

    with pytest.raises(ConnectionError, match="knock 4"):
        KNOCK.call(Door(opens_at=99).knock, until=clock.now() + 5, clock=clock)

    assert clock.slept == [1, 2, 2]


def test_other_errors_are_not_retried() -> None:
    def broken() -> None:
        raise KeyError("broken")

    with pytest.raises(KeyError):
        KNOCK.call(broken, until=1e9, clock=FakeClock())


def test_a_deadline_in_the_past_still_allows_one_attempt() -> None:
    assert KNOCK.call(Door(opens_at=1).knock, until=0, clock=FakeClock()) == "come in"


def test_jitter_only_shortens() -> None:
    waits = Backoff(initial_s=8, max_s=8, jitter=0.5).iterate_waits(get_random=lambda: 1.0)

    assert next(waits) == 4


def test_waits_leave_the_random_numbers_of_the_process_alone() -> None:
    before = random.getstate()

    list(islice(Backoff(initial_s=1, max_s=8).iterate_waits(), 3))

    assert random.getstate() == before
