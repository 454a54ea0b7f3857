"""The limits of the donor: bytes per second, wrong passwords, one stream at a time."""

from __future__ import annotations

import pytest

from guestagent.retry import FakeClock
from guestagent.seeding.donor.login_limit import ADDRESS_LIMIT, FIRST_WAIT_S, WAIT_LIMIT_S, LoginLimit
from guestagent.seeding.donor.rate_limit import BURST_S, RateLimit, combine_limits
from guestagent.seeding.donor.stream_queue import StreamQueue


def test_bytes_take_the_time_of_the_rate() -> None:
    clock, limit = FakeClock(), RateLimit(1000)

    for _ in range(50):
        clock.sleep(limit.reserve(100, clock.now()))

    assert sum(clock.slept) == pytest.approx(5 - BURST_S)


def test_a_pause_is_not_made_up_for() -> None:
    limit = RateLimit(1000)
    limit.reserve(100, 0.0)

    assert limit.reserve(1000, 500.0) == pytest.approx(1 - BURST_S)


def test_without_a_limit_nothing_waits() -> None:
    assert RateLimit(0).reserve(1 << 40, 0.0) == 0.0


@pytest.mark.parametrize(("limits", "lowest"), [((0, 0), 0), ((5, 0), 5), ((0, 7), 7), ((5, 7), 5)])
def test_the_lowest_limit_counts(limits: tuple[int, int], lowest: int) -> None:
    assert combine_limits(*limits) == lowest


def test_each_wrong_password_takes_longer_up_to_a_limit() -> None:
    limit = LoginLimit()

    waits = [limit.add_failure("10.0.0.9") for _ in range(20)]

    assert (waits[0], waits[-1]) == (FIRST_WAIT_S, WAIT_LIMIT_S)
    assert waits == sorted(waits)
    assert limit.add_failure("10.0.0.8") == FIRST_WAIT_S


def test_a_right_password_is_a_new_beginning() -> None:
    limit = LoginLimit()
    limit.add_failure("10.0.0.9")

    limit.forget("10.0.0.9")

    assert limit.add_failure("10.0.0.9") == FIRST_WAIT_S


def test_of_very_many_addresses_the_oldest_are_forgotten() -> None:
    limit = LoginLimit()
    for number in range(ADDRESS_LIMIT + 1):
        limit.add_failure(str(number))

    assert limit.add_failure("0") == FIRST_WAIT_S
    assert limit.add_failure(str(ADDRESS_LIMIT)) > FIRST_WAIT_S


def test_replicas_wait_in_the_order_in_which_they_came() -> None:
    queue = StreamQueue()
    first, second, third = (queue.join(name) for name in ("a", "b", "c"))

    before = [queue.wait(ticket, 0) for ticket in (first, second, third)]
    queue.leave(first)
    after = [queue.wait(ticket, 0) for ticket in (second, third)]

    assert (before, after) == ([0, 1, 2], [0, 1])


def test_a_new_connection_of_a_node_takes_over_from_its_old_one() -> None:
    queue = StreamQueue()
    old, other = queue.join("a"), queue.join("b")

    new = queue.join("a")
    queue.wait(old, 0)
    queue.leave(old)

    assert (old.is_cancelled, other.is_cancelled, new.is_cancelled) == (True, False, False)
    assert queue.wait(new, 0) == 1
