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
    End,
    Entry,
    FakeHandle,
    HandleBroken,
    HandleDoubted,
    Outcome,
    Sender,
    Spool,
    transport_to,
    worth_saying,
)
from tests.unit.signal.handles import (
    ANOTHER_KEY,
    HIDDEN,
    URL,
    account,
    bearer,
    cfn,
    entry,
    failure,
    hot,
    minutes_later,
    success,
)

DOWN = HandleUnreachable("heat.test: connection refused")
FORBIDDEN = HandleDoubted("heat.test answers 403")
BROKEN = HandleBroken("heat.test answers 500")


def sender(
    spool: Spool, handle: FakeHandle, clock: FakeClock | None = None, today: datetime | None = None
) -> Sender:
    at = minutes_later(1) if today is None else today
    return Sender(spool, clock or FakeClock(), connect=handle.connect, today=lambda: at)


def outage(seconds: float, clock: FakeClock, error: SignalError = DOWN) -> FakeHandle:
    """A handle that cannot be reached for so long."""

    class Out(FakeHandle):
        def send(self, body: bytes, within: float) -> None:
            if clock.now() < until:
                self.attempts += 1
                raise error
            super().send(body, within)

    until = clock.now() + seconds
    return Out([None])


class FullDisk(Spool):
    def put(self, entry: Entry) -> None:
        raise StorageError("no space left")

    def accept(self, entry: Entry) -> None:
        raise StorageError("no space left")


def test_what_is_said_is_spooled_sent_and_noted(tmp_path: Path) -> None:
    spool, handle = Spool(tmp_path), FakeHandle()

    delivery = sender(spool, handle).say(entry(success("ready", lag=0)))

    assert delivery == Delivery(End.ACCEPTED, attempts=1)
    assert handle.heard == [
        {"Status": "SUCCESS", "Reason": "ready", "UniqueId": "node-1", "Data": {"lag": 0}}
    ]
    assert spool.pending() is None
    assert spool.accepted(entry(success())) == success("ready", lag=0)


@pytest.mark.parametrize(("said", "imported"), [(False, 1), (True, 0)])
def test_what_a_signal_needs_is_imported_ahead_for_the_first_one_alone(
    tmp_path: Path, said: bool, imported: int
) -> None:
    imports: list[None] = []
    ours = Sender(Spool(tmp_path), FakeClock(), imports=lambda: imports.append(None))
    if said:
        ours.spool.put(entry(success()))

    ours.prepare()

    assert len(imports) == imported


def test_a_handle_is_signalled_once_also_if_heat_gives_it_new_credentials(tmp_path: Path) -> None:
    spool, handle = Spool(tmp_path), FakeHandle()
    sender(spool, handle).say(entry(success()))

    same_process = sender(spool, handle)
    deliveries = [same_process.say(entry(success(), url)) for url in (ANOTHER_KEY, URL)]

    assert [delivery.end for delivery in deliveries] == [End.ACCEPTED] * 2
    assert len(handle.heard) == 1
    assert spool.pending() is None


def test_what_was_given_up_is_tried_again_with_new_credentials(tmp_path: Path) -> None:
    clock = FakeClock()
    refusing = sender(Spool(tmp_path), FakeHandle([FORBIDDEN]), clock)
    assert refusing.say(entry(success())).end is End.GIVEN_UP

    delivery = sender(Spool(tmp_path), FakeHandle(), clock).say(entry(success(), ANOTHER_KEY))

    assert delivery == Delivery(End.ACCEPTED, attempts=1)


def test_an_outage_of_an_hour_loses_nothing(tmp_path: Path) -> None:
    clock = FakeClock()
    handle = outage(3600, clock)

    delivery = sender(Spool(tmp_path), handle, clock).say(entry(success()))

    assert delivery.end is End.ACCEPTED
    assert len(handle.heard) == 1
    assert 3600 <= clock.now() - 1000 <= 3631


def test_a_broken_keystone_is_waited_for_while_the_url_may_live(tmp_path: Path) -> None:
    clock = FakeClock()
    handle = outage(7200, clock, BROKEN)

    delivery = sender(Spool(tmp_path), handle, clock, today=minutes_later(5)).say(entry(success()))

    assert delivery.end is End.ACCEPTED


def test_a_broken_answer_to_an_old_url_is_given_up_after_its_patience(tmp_path: Path) -> None:
    clock = FakeClock()

    delivery = sender(Spool(tmp_path), FakeHandle([BROKEN]), clock, minutes_later(20)).say(entry(success()))

    assert delivery.end is End.GIVEN_UP
    assert 3600 <= clock.now() - 1000 <= 3631


def test_a_403_that_passes_within_its_grace_is_no_refusal(tmp_path: Path) -> None:
    clock = FakeClock()

    delivery = sender(Spool(tmp_path), outage(100, clock, FORBIDDEN), clock).say(entry(success()))

    assert delivery.end is End.ACCEPTED


def test_a_403_that_stays_is_given_up_and_the_spool_says_why(tmp_path: Path) -> None:
    spool, clock = Spool(tmp_path), FakeClock()

    delivery = sender(spool, FakeHandle([FORBIDDEN]), clock).say(entry(success()))

    assert delivery.end is End.GIVEN_UP
    assert 120 <= clock.now() - 1000 <= 151
    given_up = spool.given_up(entry(success()))
    assert given_up is not None
    assert given_up.why == delivery.why == "heat.test answers 403"
    assert spool.pending() is None


def test_a_connection_error_between_them_starts_the_grace_anew(tmp_path: Path) -> None:
    clock = FakeClock()
    handle = FakeHandle([*[FORBIDDEN] * 7, DOWN, *[FORBIDDEN] * 4, None])

    delivery = sender(Spool(tmp_path), handle, clock).say(entry(success()))

    assert delivery.end is End.ACCEPTED


def test_a_refusal_is_final_at_the_first_attempt(tmp_path: Path) -> None:
    handle = FakeHandle([HandleRefused("heat.test answers 404")])

    delivery = sender(Spool(tmp_path), handle).say(entry(success()))

    assert delivery == Delivery(End.GIVEN_UP, "heat.test answers 404", 1)


def test_what_this_process_gave_up_is_not_tried_at_every_pass(tmp_path: Path) -> None:
    handle = FakeHandle([HandleRefused("gone")])
    at_work = sender(Spool(tmp_path), handle)
    at_work.say(entry(failure()))

    again, other = at_work.say(entry(failure("another reason"))), at_work.say(entry(success()))

    assert again == Delivery(End.GIVEN_UP, "gone", 0)
    assert other.attempts == 1


def test_a_restart_tries_once_more_what_was_given_up(tmp_path: Path) -> None:
    sender(Spool(tmp_path), FakeHandle([HandleRefused("gone")])).say(entry(success()))

    delivery = sender(Spool(tmp_path), FakeHandle()).say(entry(success()))

    assert delivery.end is End.ACCEPTED


def test_a_deadline_ends_the_attempts_and_leaves_it_pending(tmp_path: Path) -> None:
    spool, clock = Spool(tmp_path), FakeClock()

    delivery = sender(spool, FakeHandle([DOWN]), clock).say(entry(success()), until=clock.now() + 10)

    assert delivery.end is End.LATE
    assert delivery.why == "heat.test: connection refused"
    assert clock.now() == 1010
    assert spool.pending() == entry(success())


def test_a_deadline_that_is_over_still_gets_one_attempt(tmp_path: Path) -> None:
    clock = FakeClock()

    assert sender(Spool(tmp_path), FakeHandle(), clock).say(entry(success()), until=0).end is End.ACCEPTED


def test_an_attempt_may_not_take_longer_than_is_left(tmp_path: Path) -> None:
    given: list[float] = []

    class Measured(FakeHandle):
        def send(self, body: bytes, seconds: float) -> None:
            given.append(seconds)

    clock = FakeClock()
    sender(Spool(tmp_path), Measured(), clock).say(entry(success()), until=clock.now() + 7)

    assert given == [7]


def interrupting(after: int) -> Callable[[], bool]:
    asked: Iterator[int] = iter(range(1_000_000))
    return lambda: next(asked) >= after


@pytest.mark.parametrize("after", [0, 1, 2, 5])
def test_a_newer_document_cuts_the_attempts_and_leaves_it_pending(tmp_path: Path, after: int) -> None:
    spool, clock = Spool(tmp_path), FakeClock()

    delivery = sender(spool, FakeHandle([DOWN]), clock).say(entry(success()), interrupted=interrupting(after))

    assert delivery.end is End.CUT
    assert spool.pending() == entry(success())
    assert clock.now() - 1000 < 10


def test_nobody_sleeps_longer_than_a_second_without_looking_up(tmp_path: Path) -> None:
    clock = FakeClock()

    sender(Spool(tmp_path), outage(300, clock), clock).say(entry(success()))

    assert max(clock.slept) <= 1


def test_a_full_disk_does_not_keep_a_signal_back(tmp_path: Path) -> None:
    handle, told = FakeHandle(), list[str]()
    at_work = sender(FullDisk(tmp_path), handle)
    at_work.tell = told.append

    delivery = at_work.say(entry(success()))

    assert delivery.end is End.ACCEPTED
    assert len(handle.heard) == 1
    assert told == ["no space left", "no space left"]


def test_what_could_not_be_noted_is_remembered_by_the_process(tmp_path: Path) -> None:
    handle = FakeHandle()
    at_work = sender(FullDisk(tmp_path), handle)

    at_work.say(entry(success()))
    at_work.say(entry(success()))

    assert handle.attempts == 1


def test_a_success_is_not_said_twice_even_after_a_restart(tmp_path: Path) -> None:
    sender(Spool(tmp_path), FakeHandle()).say(entry(success()))
    handle = FakeHandle()

    delivery = sender(Spool(tmp_path), handle).say(entry(success("ready again")))

    assert delivery == Delivery(End.ACCEPTED)
    assert handle.attempts == 0


def test_the_rest_of_a_killed_process_is_delivered_by_the_next(tmp_path: Path) -> None:
    Spool(tmp_path).put(entry(failure()))
    spool, handle = Spool(tmp_path), FakeHandle()
    pending = spool.pending()
    assert pending is not None

    sender(spool, handle).deliver(pending)

    assert handle.heard[0]["Status"] == "FAILURE"
    assert spool.pending() is None


@pytest.mark.parametrize(
    ("accepted", "outcome", "worth"),
    [
        (None, success(), True),
        (None, failure(), True),
        (failure(), success(), True),
        (failure(), failure("another"), False),
        (success(), failure(), False),
        (success(), success(), False),
    ],
)
def test_only_what_changes_something_is_worth_saying(
    accepted: Outcome | None, outcome: Outcome, worth: bool
) -> None:
    assert worth_saying(accepted, outcome) is worth


def test_a_repaired_node_takes_its_failure_back_under_the_same_id(tmp_path: Path) -> None:
    handle = FakeHandle()
    at_work = sender(Spool(tmp_path), handle)

    at_work.say(entry(failure()))
    at_work.say(entry(success()))
    at_work.say(entry(failure("drift")))

    assert [(said["Status"], said["UniqueId"]) for said in handle.heard] == [
        ("FAILURE", "node-1"),
        ("SUCCESS", "node-1"),
    ]


def test_a_handle_that_cannot_be_used_is_given_up_with_its_reason(tmp_path: Path) -> None:
    handle = hot(auth_url="http://k", password=HIDDEN, queue_id="q")
    at_work = Sender(Spool(tmp_path), FakeClock(), connect=transport_to)

    delivery = at_work.say(Entry(handle, "node-1", success()))

    assert delivery.end is End.GIVEN_UP
    assert "ZAQAR_SIGNAL" in delivery.why
    assert HIDDEN not in repr(delivery)


@pytest.mark.parametrize(
    ("handle", "confirmed"),
    [(cfn(), True), (hot(alarm_url=URL), True), (bearer(), False), (account(), False)],
)
def test_what_rest_accepts_is_not_confirmed(tmp_path: Path, handle: Handle, confirmed: bool) -> None:
    at_work = sender(Spool(tmp_path), FakeHandle())

    first, again = (at_work.say(Entry(handle, "node-1", success())) for _ in range(2))

    assert (first.end, first.confirmed, again.confirmed) == (End.ACCEPTED, confirmed, confirmed)


def test_a_handle_by_rest_is_always_given_an_id_and_its_own_keys(tmp_path: Path) -> None:
    told = FakeHandle()

    sender(Spool(tmp_path), told).say(Entry(account(), "node-1", success("ready", lag=0)))

    assert told.heard == [{"status": "SUCCESS", "reason": "ready", "id": "node-1", "data": {"lag": 0}}]


def test_a_broken_answer_to_what_is_not_signed_is_tried_for_ever(tmp_path: Path) -> None:
    clock = FakeClock()

    delivery = sender(Spool(tmp_path), outage(86400, clock, BROKEN), clock).say(
        Entry(account(), "node-1", success())
    )

    assert delivery.end is End.ACCEPTED


def test_the_way_to_a_handle_is_kept_for_every_attempt_and_no_other_handle(tmp_path: Path) -> None:
    connected: list[Handle] = []
    told = FakeHandle([DOWN, DOWN, None])

    def connect(handle: Handle) -> FakeHandle:
        connected.append(handle)
        return told

    at_work = Sender(Spool(tmp_path), FakeClock(), connect=connect)
    at_work.say(Entry(account(), "node-1", failure()))
    at_work.say(Entry(account(), "node-1", success()))
    at_work.say(Entry(account(), "node-2", success()))

    assert connected == [account(), account()]


def test_progress_is_told_at_every_attempt(tmp_path: Path) -> None:
    told: list[str] = []
    at_work = sender(Spool(tmp_path), FakeHandle([DOWN, FORBIDDEN, None]))
    at_work.tell = told.append

    at_work.say(entry(success()))

    assert told == [f"not signalled yet: {DOWN}", f"not signalled yet: {FORBIDDEN}"]
