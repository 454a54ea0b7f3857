"""Attempts that are repeated, interrupted or given up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from guestagent.errors import HandleRefused
from guestagent.retry import FakeClock
from guestagent.signal import Delivery, DeliveryResult, FakeHandle, Spool, SpoolEntry
from tests.support.sender_handles import BROKEN, DOWN, FORBIDDEN, build_sender, build_unreachable_handle
from tests.support.signal_handles import (
    add_minutes,
    build_account_handle,
    build_entry,
    build_failure,
    build_success,
)


def test_an_outage_of_an_hour_loses_nothing(tmp_path: Path) -> None:
    clock = FakeClock()
    handle = build_unreachable_handle(3600, clock)

    delivery = build_sender(Spool(tmp_path), handle, clock).send(build_entry(build_success()))

    assert delivery.result is DeliveryResult.ACCEPTED
    assert len(handle.received) == 1
    assert 3600 <= clock.now() - 1000 <= 3631


def test_a_failing_keystone_is_retried_while_the_url_may_be_valid(tmp_path: Path) -> None:
    clock = FakeClock()
    handle = build_unreachable_handle(7200, clock, BROKEN)

    delivery = build_sender(Spool(tmp_path), handle, clock, today=add_minutes(5)).send(
        build_entry(build_success())
    )

    assert delivery.result is DeliveryResult.ACCEPTED


def test_a_server_error_for_an_old_url_is_given_up_after_a_time(tmp_path: Path) -> None:
    clock = FakeClock()

    delivery = build_sender(Spool(tmp_path), FakeHandle([BROKEN]), clock, add_minutes(20)).send(
        build_entry(build_success())
    )

    assert delivery.result is DeliveryResult.GIVEN_UP
    assert 3600 <= clock.now() - 1000 <= 3631


def test_a_403_that_ends_within_the_grace_period_is_no_rejection(tmp_path: Path) -> None:
    clock = FakeClock()

    delivery = build_sender(Spool(tmp_path), build_unreachable_handle(100, clock, FORBIDDEN), clock).send(
        build_entry(build_success())
    )

    assert delivery.result is DeliveryResult.ACCEPTED


def test_a_lasting_403_is_given_up_with_its_reason_in_the_spool(tmp_path: Path) -> None:
    spool, clock = Spool(tmp_path), FakeClock()

    delivery = build_sender(spool, FakeHandle([FORBIDDEN]), clock).send(build_entry(build_success()))

    assert delivery.result is DeliveryResult.GIVEN_UP
    assert 120 <= clock.now() - 1000 <= 151
    record = spool.read_record()
    assert record is not None
    assert record.given_up is not None
    assert record.given_up.reason == delivery.reason == "heat.test answers 403"
    assert spool.read_pending() is None


def test_a_connection_error_between_403s_restarts_the_grace_period(tmp_path: Path) -> None:
    clock = FakeClock()
    handle = FakeHandle([*[FORBIDDEN] * 7, DOWN, *[FORBIDDEN] * 4, None])

    delivery = build_sender(Spool(tmp_path), handle, clock).send(build_entry(build_success()))

    assert delivery.result is DeliveryResult.ACCEPTED


def test_a_rejection_is_final_at_the_first_attempt(tmp_path: Path) -> None:
    handle = FakeHandle([HandleRefused("heat.test answers 404")])

    delivery = build_sender(Spool(tmp_path), handle).send(build_entry(build_success()))

    assert delivery == Delivery(DeliveryResult.GIVEN_UP, "heat.test answers 404", 1)


def test_an_outcome_that_this_process_gave_up_is_not_sent_at_every_pass(tmp_path: Path) -> None:
    handle = FakeHandle([HandleRefused("gone")])
    sender = build_sender(Spool(tmp_path), handle)
    sender.send(build_entry(build_failure()))

    second_delivery, delivery_of_success = (
        sender.send(build_entry(build_failure("another reason"))),
        sender.send(build_entry(build_success())),
    )

    assert second_delivery == Delivery(DeliveryResult.GIVEN_UP, "gone", 0)
    assert delivery_of_success.attempts == 1


def test_a_given_up_outcome_is_sent_once_more_after_a_restart(tmp_path: Path) -> None:
    build_sender(Spool(tmp_path), FakeHandle([HandleRefused("gone")])).send(build_entry(build_success()))

    delivery = build_sender(Spool(tmp_path), FakeHandle()).send(build_entry(build_success()))

    assert delivery.result is DeliveryResult.ACCEPTED


def test_a_deadline_ends_the_attempts_and_leaves_the_outcome_pending(tmp_path: Path) -> None:
    spool, clock = Spool(tmp_path), FakeClock()

    delivery = build_sender(spool, FakeHandle([DOWN]), clock).send(
        build_entry(build_success()), until=clock.now() + 10
    )

    assert delivery.result is DeliveryResult.DEADLINE_EXCEEDED
    assert delivery.reason == "heat.test: connection refused"
    assert clock.now() == 1010
    assert spool.read_pending() == build_entry(build_success())


def test_there_is_one_attempt_even_after_the_deadline(tmp_path: Path) -> None:
    clock = FakeClock()

    assert (
        build_sender(Spool(tmp_path), FakeHandle(), clock).send(build_entry(build_success()), until=0).result
        is DeliveryResult.ACCEPTED
    )


def test_the_timeout_of_an_attempt_ends_at_the_deadline(tmp_path: Path) -> None:
    timeouts: list[float] = []

    class TimedHandle(FakeHandle):
        def send(self, body: bytes, seconds: float) -> None:
            timeouts.append(seconds)

    clock = FakeClock()
    build_sender(Spool(tmp_path), TimedHandle(), clock).send(
        build_entry(build_success()), until=clock.now() + 7
    )

    assert timeouts == [7]


def interrupt_after(count: int) -> Callable[[], bool]:
    calls: Iterator[int] = iter(range(1_000_000))
    return lambda: next(calls) >= count


@pytest.mark.parametrize("call_count", [0, 1, 2, 5])
def test_a_newer_document_interrupts_the_attempts_and_leaves_the_outcome_pending(
    tmp_path: Path, call_count: int
) -> None:
    spool, clock = Spool(tmp_path), FakeClock()

    delivery = build_sender(spool, FakeHandle([DOWN]), clock).send(
        build_entry(build_success()), is_interrupted=interrupt_after(call_count)
    )

    assert delivery.result is DeliveryResult.INTERRUPTED
    assert spool.read_pending() == build_entry(build_success())
    assert clock.now() - 1000 < 10


def test_interruptions_are_checked_at_least_once_a_second(tmp_path: Path) -> None:
    clock = FakeClock()

    build_sender(Spool(tmp_path), build_unreachable_handle(300, clock), clock).send(
        build_entry(build_success())
    )

    assert max(clock.slept) <= 1


def test_a_server_error_for_an_unsigned_request_is_retried_without_limit(tmp_path: Path) -> None:
    clock = FakeClock()

    delivery = build_sender(Spool(tmp_path), build_unreachable_handle(86400, clock, BROKEN), clock).send(
        SpoolEntry(build_account_handle(), "node-1", build_success())
    )

    assert delivery.result is DeliveryResult.ACCEPTED
