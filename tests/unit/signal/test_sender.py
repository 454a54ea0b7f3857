from __future__ import annotations

from pathlib import Path

import pytest

from guestagent.metadata.document import Handle
from guestagent.retry import FakeClock
from guestagent.signal import (
    Delivery,
    DeliveryResult,
    FakeHandle,
    Sender,
    SignalOutcome,
    Spool,
    SpoolEntry,
    build_transport,
    is_worth_sending,
)
from tests.support.sender_handles import DOWN, FORBIDDEN, FullDisk, build_sender
from tests.support.signal_handles import (
    ANOTHER_KEY,
    SIGNATURE,
    URL,
    build_account_handle,
    build_cfn_handle,
    build_entry,
    build_failure,
    build_hot_handle,
    build_success,
    build_token_handle,
)


def test_an_outcome_is_spooled_sent_and_recorded(tmp_path: Path) -> None:
    spool, handle = Spool(tmp_path), FakeHandle()

    delivery = build_sender(spool, handle).send(build_entry(build_success("ready", lag=0)))

    assert delivery == Delivery(DeliveryResult.ACCEPTED, attempts=1)
    assert handle.received == [
        {"Status": "SUCCESS", "Reason": "ready", "UniqueId": "node-1", "Data": {"lag": 0}}
    ]
    assert spool.read_pending() is None
    assert spool.find_accepted_outcome(build_entry(build_success())) == build_success("ready", lag=0)


@pytest.mark.parametrize(("has_signalled", "imported"), [(False, 1), (True, 0)])
def test_libraries_are_imported_ahead_for_the_first_signal_only(
    tmp_path: Path, has_signalled: bool, imported: int
) -> None:
    imports: list[None] = []
    sender = Sender(Spool(tmp_path), FakeClock(), import_client=lambda: imports.append(None))
    if has_signalled:
        sender.spool.put_entry(build_entry(build_success()))

    sender.prepare()

    assert len(imports) == imported


def test_a_handle_is_signalled_once_even_if_its_credentials_change(tmp_path: Path) -> None:
    spool, handle = Spool(tmp_path), FakeHandle()
    build_sender(spool, handle).send(build_entry(build_success()))

    same_process = build_sender(spool, handle)
    deliveries = [same_process.send(build_entry(build_success(), url)) for url in (ANOTHER_KEY, URL)]

    assert [delivery.result for delivery in deliveries] == [DeliveryResult.ACCEPTED] * 2
    assert len(handle.received) == 1
    assert spool.read_pending() is None


def test_a_given_up_outcome_is_sent_again_with_new_credentials(tmp_path: Path) -> None:
    clock = FakeClock()
    first_sender = build_sender(Spool(tmp_path), FakeHandle([FORBIDDEN]), clock)
    assert first_sender.send(build_entry(build_success())).result is DeliveryResult.GIVEN_UP

    delivery = build_sender(Spool(tmp_path), FakeHandle(), clock).send(
        build_entry(build_success(), ANOTHER_KEY)
    )

    assert delivery == Delivery(DeliveryResult.ACCEPTED, attempts=1)


def test_a_full_disk_does_not_prevent_a_signal(tmp_path: Path) -> None:
    handle, messages = FakeHandle(), list[str]()
    sender = build_sender(FullDisk(tmp_path), handle)
    sender.report = messages.append

    delivery = sender.send(build_entry(build_success()))

    assert delivery.result is DeliveryResult.ACCEPTED
    assert len(handle.received) == 1
    assert messages == ["no space left", "no space left"]


def test_a_delivery_that_cannot_be_recorded_is_kept_in_memory(tmp_path: Path) -> None:
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


def test_the_pending_outcome_of_a_killed_process_is_delivered_by_the_next(tmp_path: Path) -> None:
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
def test_only_a_changed_outcome_is_worth_sending(
    accepted: SignalOutcome | None, outcome: SignalOutcome, worth: bool
) -> None:
    assert is_worth_sending(accepted, outcome) is worth


def test_a_repaired_node_replaces_its_failure_under_the_same_id(tmp_path: Path) -> None:
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
    ("handle", "is_confirmed"),
    [
        (build_cfn_handle(), True),
        (build_hot_handle(alarm_url=URL), True),
        (build_token_handle(), False),
        (build_account_handle(), False),
    ],
)
def test_a_signal_by_rest_is_not_confirmed(tmp_path: Path, handle: Handle, is_confirmed: bool) -> None:
    sender = build_sender(Spool(tmp_path), FakeHandle())

    first_delivery, second_delivery = (
        sender.send(SpoolEntry(handle, "node-1", build_success())) for _ in range(2)
    )

    assert (first_delivery.result, first_delivery.is_confirmed, second_delivery.is_confirmed) == (
        DeliveryResult.ACCEPTED,
        is_confirmed,
        is_confirmed,
    )


def test_a_signal_by_rest_has_an_id_and_lower_case_keys(tmp_path: Path) -> None:
    messages = FakeHandle()

    build_sender(Spool(tmp_path), messages).send(
        SpoolEntry(build_account_handle(), "node-1", build_success("ready", lag=0))
    )

    assert messages.received == [{"status": "SUCCESS", "reason": "ready", "id": "node-1", "data": {"lag": 0}}]


def test_a_connection_is_used_for_every_attempt_and_for_one_handle_only(tmp_path: Path) -> None:
    handles: list[Handle] = []
    messages = FakeHandle([DOWN, DOWN, None])

    def connect(handle: Handle) -> FakeHandle:
        handles.append(handle)
        return messages

    sender = Sender(Spool(tmp_path), FakeClock(), connect=connect)
    sender.send(SpoolEntry(build_account_handle(), "node-1", build_failure()))
    sender.send(SpoolEntry(build_account_handle(), "node-1", build_success()))
    sender.send(SpoolEntry(build_account_handle(), "node-2", build_success()))

    assert handles == [build_account_handle(), build_account_handle()]


def test_progress_is_reported_at_every_attempt(tmp_path: Path) -> None:
    messages: list[str] = []
    sender = build_sender(Spool(tmp_path), FakeHandle([DOWN, FORBIDDEN, None]))
    sender.report = messages.append

    sender.send(build_entry(build_success()))

    assert messages == [f"not signalled yet: {DOWN}", f"not signalled yet: {FORBIDDEN}"]
