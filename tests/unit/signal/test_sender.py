from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from guestagent.errors import HandleRefused, HandleUnreachable, SignalError, StorageError
from guestagent.metadata.document import Handle
from guestagent.retry import FakeClock
from guestagent.signal import (
    Delivery,
    DeliveryResult,
    FakeHandle,
    HandleBroken,
    HandleDoubted,
    Sender,
    SignalOutcome,
    Spool,
    SpoolEntry,
    build_transport,
    is_worth_sending,
)
from tests.support.signal_handles import (
    ANOTHER_KEY,
    SIGNATURE,
    URL,
    add_minutes,
    build_account_handle,
    build_cfn_handle,
    build_entry,
    build_failure,
    build_hot_handle,
    build_success,
    build_token_handle,
)

DOWN = HandleUnreachable("heat.test: connection refused")
FORBIDDEN = HandleDoubted("heat.test answers 403")
BROKEN = HandleBroken("heat.test answers 500")


def build_sender(
    spool: Spool, handle: FakeHandle, clock: FakeClock | None = None, today: datetime | None = None
) -> Sender:
    at = add_minutes(1) if today is None else today
    return Sender(spool, clock or FakeClock(), connect=handle.connect, get_now=lambda: at)


def build_unreachable_handle(seconds: float, clock: FakeClock, error: SignalError = DOWN) -> FakeHandle:
    """Return a handle that raises `error` for the first `seconds`."""

    class UnreachableHandle(FakeHandle):
        def send(self, body: bytes, within: float) -> None:
            if clock.now() < until:
                self.attempts += 1
                raise error
            super().send(body, within)

    until = clock.now() + seconds
    return UnreachableHandle([None])


class FullDisk(Spool):
    def put_entry(self, entry: SpoolEntry) -> bool:
        raise StorageError("no space left")

    def mark_accepted(self, entry: SpoolEntry) -> None:
        raise StorageError("no space left")


def test_a_signal_is_spooled_sent_and_recorded(tmp_path: Path) -> None:
    spool, handle = Spool(tmp_path), FakeHandle()

    delivery = build_sender(spool, handle).send(build_entry(build_success("ready", lag=0)))

    assert delivery == Delivery(DeliveryResult.ACCEPTED, attempts=1)
    assert handle.received == [
        {"Status": "SUCCESS", "Reason": "ready", "UniqueId": "node-1", "Data": {"lag": 0}}
    ]
    assert spool.read_pending() is None
    assert spool.find_accepted_outcome(build_entry(build_success())) == build_success("ready", lag=0)


@pytest.mark.parametrize(("has_signalled", "imported"), [(False, 1), (True, 0)])
def test_what_a_signal_needs_is_imported_ahead_for_the_first_one_alone(
    tmp_path: Path, has_signalled: bool, imported: int
) -> None:
    imports: list[None] = []
    sender = Sender(Spool(tmp_path), FakeClock(), import_client=lambda: imports.append(None))
    if has_signalled:
        sender.spool.put_entry(build_entry(build_success()))

    sender.prepare()

    assert len(imports) == imported


def test_a_handle_is_signalled_once_also_if_heat_gives_it_new_credentials(tmp_path: Path) -> None:
    spool, handle = Spool(tmp_path), FakeHandle()
    build_sender(spool, handle).send(build_entry(build_success()))

    same_process = build_sender(spool, handle)
    deliveries = [same_process.send(build_entry(build_success(), url)) for url in (ANOTHER_KEY, URL)]

    assert [delivery.result for delivery in deliveries] == [DeliveryResult.ACCEPTED] * 2
    assert len(handle.received) == 1
    assert spool.read_pending() is None


def test_what_was_given_up_is_tried_again_with_new_credentials(tmp_path: Path) -> None:
    clock = FakeClock()
    first_sender = build_sender(Spool(tmp_path), FakeHandle([FORBIDDEN]), clock)
    assert first_sender.send(build_entry(build_success())).result is DeliveryResult.GIVEN_UP

    delivery = build_sender(Spool(tmp_path), FakeHandle(), clock).send(
        build_entry(build_success(), ANOTHER_KEY)
    )

    assert delivery == Delivery(DeliveryResult.ACCEPTED, attempts=1)


def test_an_outage_of_an_hour_loses_nothing(tmp_path: Path) -> None:
    clock = FakeClock()
    handle = build_unreachable_handle(3600, clock)

    delivery = build_sender(Spool(tmp_path), handle, clock).send(build_entry(build_success()))

    assert delivery.result is DeliveryResult.ACCEPTED
    assert len(handle.received) == 1
    assert 3600 <= clock.now() - 1000 <= 3631


def test_a_broken_keystone_is_waited_for_while_the_url_may_live(tmp_path: Path) -> None:
    clock = FakeClock()
    handle = build_unreachable_handle(7200, clock, BROKEN)

    delivery = build_sender(Spool(tmp_path), handle, clock, today=add_minutes(5)).send(
        build_entry(build_success())
    )

    assert delivery.result is DeliveryResult.ACCEPTED


def test_a_broken_answer_to_an_old_url_is_given_up_after_its_patience(tmp_path: Path) -> None:
    clock = FakeClock()

    delivery = build_sender(Spool(tmp_path), FakeHandle([BROKEN]), clock, add_minutes(20)).send(
        build_entry(build_success())
    )

    assert delivery.result is DeliveryResult.GIVEN_UP
    assert 3600 <= clock.now() - 1000 <= 3631


def test_a_403_that_passes_within_its_grace_is_no_refusal(tmp_path: Path) -> None:
    clock = FakeClock()

    delivery = build_sender(Spool(tmp_path), build_unreachable_handle(100, clock, FORBIDDEN), clock).send(
        build_entry(build_success())
    )

    assert delivery.result is DeliveryResult.ACCEPTED


def test_a_lasting_403_is_given_up_and_the_spool_has_the_reason(tmp_path: Path) -> None:
    spool, clock = Spool(tmp_path), FakeClock()

    delivery = build_sender(spool, FakeHandle([FORBIDDEN]), clock).send(build_entry(build_success()))

    assert delivery.result is DeliveryResult.GIVEN_UP
    assert 120 <= clock.now() - 1000 <= 151
    record = spool.read_record()
    assert record is not None
    assert record.given_up is not None
    assert record.given_up.reason == delivery.reason == "heat.test answers 403"
    assert spool.read_pending() is None


def test_a_connection_error_between_them_starts_the_grace_anew(tmp_path: Path) -> None:
    clock = FakeClock()
    handle = FakeHandle([*[FORBIDDEN] * 7, DOWN, *[FORBIDDEN] * 4, None])

    delivery = build_sender(Spool(tmp_path), handle, clock).send(build_entry(build_success()))

    assert delivery.result is DeliveryResult.ACCEPTED


def test_a_refusal_is_final_at_the_first_attempt(tmp_path: Path) -> None:
    handle = FakeHandle([HandleRefused("heat.test answers 404")])

    delivery = build_sender(Spool(tmp_path), handle).send(build_entry(build_success()))

    assert delivery == Delivery(DeliveryResult.GIVEN_UP, "heat.test answers 404", 1)


def test_what_this_process_gave_up_is_not_tried_at_every_pass(tmp_path: Path) -> None:
    handle = FakeHandle([HandleRefused("gone")])
    sender = build_sender(Spool(tmp_path), handle)
    sender.send(build_entry(build_failure()))

    again, other = (
        sender.send(build_entry(build_failure("another reason"))),
        sender.send(build_entry(build_success())),
    )

    assert again == Delivery(DeliveryResult.GIVEN_UP, "gone", 0)
    assert other.attempts == 1


def test_a_restart_tries_once_more_what_was_given_up(tmp_path: Path) -> None:
    build_sender(Spool(tmp_path), FakeHandle([HandleRefused("gone")])).send(build_entry(build_success()))

    delivery = build_sender(Spool(tmp_path), FakeHandle()).send(build_entry(build_success()))

    assert delivery.result is DeliveryResult.ACCEPTED


def test_a_deadline_ends_the_attempts_and_leaves_it_pending(tmp_path: Path) -> None:
    spool, clock = Spool(tmp_path), FakeClock()

    delivery = build_sender(spool, FakeHandle([DOWN]), clock).send(
        build_entry(build_success()), until=clock.now() + 10
    )

    assert delivery.result is DeliveryResult.DEADLINE_EXCEEDED
    assert delivery.reason == "heat.test: connection refused"
    assert clock.now() == 1010
    assert spool.read_pending() == build_entry(build_success())


def test_a_deadline_that_is_over_still_gets_one_attempt(tmp_path: Path) -> None:
    clock = FakeClock()

    assert (
        build_sender(Spool(tmp_path), FakeHandle(), clock).send(build_entry(build_success()), until=0).result
        is DeliveryResult.ACCEPTED
    )


def test_an_attempt_may_not_take_longer_than_is_left(tmp_path: Path) -> None:
    given: list[float] = []

    class Measured(FakeHandle):
        def send(self, body: bytes, seconds: float) -> None:
            given.append(seconds)

    clock = FakeClock()
    build_sender(Spool(tmp_path), Measured(), clock).send(build_entry(build_success()), until=clock.now() + 7)

    assert given == [7]


def interrupt_after(count: int) -> Callable[[], bool]:
    calls: Iterator[int] = iter(range(1_000_000))
    return lambda: next(calls) >= count


@pytest.mark.parametrize("after", [0, 1, 2, 5])
def test_a_newer_document_cuts_the_attempts_and_leaves_it_pending(tmp_path: Path, after: int) -> None:
    spool, clock = Spool(tmp_path), FakeClock()

    delivery = build_sender(spool, FakeHandle([DOWN]), clock).send(
        build_entry(build_success()), is_interrupted=interrupt_after(after)
    )

    assert delivery.result is DeliveryResult.INTERRUPTED
    assert spool.read_pending() == build_entry(build_success())
    assert clock.now() - 1000 < 10


def test_nobody_sleeps_longer_than_a_second_without_looking_up(tmp_path: Path) -> None:
    clock = FakeClock()

    build_sender(Spool(tmp_path), build_unreachable_handle(300, clock), clock).send(
        build_entry(build_success())
    )

    assert max(clock.slept) <= 1


def test_a_full_disk_does_not_keep_a_signal_back(tmp_path: Path) -> None:
    handle, messages = FakeHandle(), list[str]()
    sender = build_sender(FullDisk(tmp_path), handle)
    sender.report = messages.append

    delivery = sender.send(build_entry(build_success()))

    assert delivery.result is DeliveryResult.ACCEPTED
    assert len(handle.received) == 1
    assert messages == ["no space left", "no space left"]


def test_what_could_not_be_noted_is_remembered_by_the_process(tmp_path: Path) -> None:
    handle = FakeHandle()
    sender = build_sender(FullDisk(tmp_path), handle)

    sender.send(build_entry(build_success()))
    sender.send(build_entry(build_success()))

    assert handle.attempts == 1


def test_a_success_is_not_sent_twice_even_after_a_restart(tmp_path: Path) -> None:
    build_sender(Spool(tmp_path), FakeHandle()).send(build_entry(build_success()))
    handle = FakeHandle()

    delivery = build_sender(Spool(tmp_path), handle).send(build_entry(build_success("ready again")))

    assert delivery == Delivery(DeliveryResult.ACCEPTED)
    assert handle.attempts == 0


def test_the_rest_of_a_killed_process_is_delivered_by_the_next(tmp_path: Path) -> None:
    Spool(tmp_path).put_entry(build_entry(build_failure()))
    spool, handle = Spool(tmp_path), FakeHandle()
    pending = spool.read_pending()
    assert pending is not None

    build_sender(spool, handle).deliver(pending)

    assert handle.received[0]["Status"] == "FAILURE"
    assert spool.read_pending() is None


@pytest.mark.parametrize(
    ("accepted", "outcome", "worth"),
    [
        (None, build_success(), True),
        (None, build_failure(), True),
        (build_failure(), build_success(), True),
        (build_failure(), build_failure("another"), False),
        (build_success(), build_failure(), False),
        (build_success(), build_success(), False),
    ],
)
def test_only_what_changes_something_is_worth_saying(
    accepted: SignalOutcome | None, outcome: SignalOutcome, worth: bool
) -> None:
    assert is_worth_sending(accepted, outcome) is worth


def test_a_repaired_node_takes_its_failure_back_under_the_same_id(tmp_path: Path) -> None:
    handle = FakeHandle()
    sender = build_sender(Spool(tmp_path), handle)

    sender.send(build_entry(build_failure()))
    sender.send(build_entry(build_success()))
    sender.send(build_entry(build_failure("drift")))

    assert [(body["Status"], body["UniqueId"]) for body in handle.received] == [
        ("FAILURE", "node-1"),
        ("SUCCESS", "node-1"),
    ]


def test_a_handle_that_cannot_be_used_is_given_up_with_its_reason(tmp_path: Path) -> None:
    handle = build_hot_handle(auth_url="http://k", password=SIGNATURE, queue_id="q")
    sender = Sender(Spool(tmp_path), FakeClock(), connect=build_transport)

    delivery = sender.send(SpoolEntry(handle, "node-1", build_success()))

    assert delivery.result is DeliveryResult.GIVEN_UP
    assert "ZAQAR_SIGNAL" in delivery.reason
    assert SIGNATURE not in repr(delivery)


@pytest.mark.parametrize(
    ("handle", "confirmed"),
    [
        (build_cfn_handle(), True),
        (build_hot_handle(alarm_url=URL), True),
        (build_token_handle(), False),
        (build_account_handle(), False),
    ],
)
def test_what_rest_accepts_is_not_confirmed(tmp_path: Path, handle: Handle, confirmed: bool) -> None:
    sender = build_sender(Spool(tmp_path), FakeHandle())

    first, again = (sender.send(SpoolEntry(handle, "node-1", build_success())) for _ in range(2))

    assert (first.result, first.is_confirmed, again.is_confirmed) == (
        DeliveryResult.ACCEPTED,
        confirmed,
        confirmed,
    )


def test_a_handle_by_rest_is_always_given_an_id_and_its_own_keys(tmp_path: Path) -> None:
    messages = FakeHandle()

    build_sender(Spool(tmp_path), messages).send(
        SpoolEntry(build_account_handle(), "node-1", build_success("ready", lag=0))
    )

    assert messages.received == [{"status": "SUCCESS", "reason": "ready", "id": "node-1", "data": {"lag": 0}}]


def test_a_broken_answer_to_what_is_not_signed_is_tried_for_ever(tmp_path: Path) -> None:
    clock = FakeClock()

    delivery = build_sender(Spool(tmp_path), build_unreachable_handle(86400, clock, BROKEN), clock).send(
        SpoolEntry(build_account_handle(), "node-1", build_success())
    )

    assert delivery.result is DeliveryResult.ACCEPTED


def test_the_way_to_a_handle_is_kept_for_every_attempt_and_no_other_handle(tmp_path: Path) -> None:
    connected: list[Handle] = []
    messages = FakeHandle([DOWN, DOWN, None])

    def connect(handle: Handle) -> FakeHandle:
        connected.append(handle)
        return messages

    sender = Sender(Spool(tmp_path), FakeClock(), connect=connect)
    sender.send(SpoolEntry(build_account_handle(), "node-1", build_failure()))
    sender.send(SpoolEntry(build_account_handle(), "node-1", build_success()))
    sender.send(SpoolEntry(build_account_handle(), "node-2", build_success()))

    assert connected == [build_account_handle(), build_account_handle()]


def test_progress_is_reported_at_every_attempt(tmp_path: Path) -> None:
    messages: list[str] = []
    sender = build_sender(Spool(tmp_path), FakeHandle([DOWN, FORBIDDEN, None]))
    sender.report = messages.append

    sender.send(build_entry(build_success()))

    assert messages == [f"not signalled yet: {DOWN}", f"not signalled yet: {FORBIDDEN}"]
