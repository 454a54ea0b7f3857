"""What a store makes of the signals of guests, however many of them there are."""

from __future__ import annotations

from dataclasses import replace

from guestagent.resources.store.protocol import REPEAT_INTERVAL_S
from guestagent.resources.store.records import SignalEntry
from tests.support.store_contract.opened_store import OpenedStore

SIGNAL = SignalEntry(instance="Slave0000", generation=1, is_success=True, data="0")
PAUSE_S = 600.0


def rest(opened: OpenedStore) -> None:
    """Let a worker do the round that is due, after which the cluster rests."""
    lease = opened.claim()
    lease.read()
    lease.release(PAUSE_S)
    assert opened.store.claim("worker") is None


def the_first_signal_of_each_generation_wakes_a_worker_at_once(opened: OpenedStore) -> None:
    opened.create_cluster()
    rest(opened)
    for signal in (SIGNAL, replace(SIGNAL, generation=2), replace(SIGNAL, instance="Master0000")):
        opened.store.record_signal("shop", signal)

        rest(opened)


def signals_without_end_wake_a_worker_once_in_an_interval(opened: OpenedStore) -> None:
    opened.create_cluster()
    opened.store.record_signal("shop", SIGNAL)
    rest(opened)
    step_s, rounds, count = REPEAT_INTERVAL_S / 10, 0, 100

    for number in range(count):
        is_success = number % 2 == 0
        opened.store.record_signal("shop", replace(SIGNAL, is_success=is_success, data=f"{number} more"))
        lease = opened.store.claim("worker")
        if lease is not None:
            rounds += 1
            lease.read()
            opened.store.record_signal("shop", replace(SIGNAL, data=f"{number} during the round"))
            lease.release(PAUSE_S)
        opened.sleep(step_s)

    # Each waits for its interval, and none is put off by those behind it.
    assert count / 10 - 2 <= rounds <= count / 10


def an_order_behind_signals_without_end_is_due_at_once(opened: OpenedStore) -> None:
    opened.create_cluster()
    opened.store.record_signal("shop", SIGNAL)
    rest(opened)
    for number in range(10):
        opened.store.record_signal("shop", replace(SIGNAL, data=f"{number} more"))
    assert opened.store.claim("worker") is None

    opened.restart()

    assert len(opened.claim().read().queue) == 2


def an_order_during_a_lease_is_due_after_it_beside_repeated_signals(opened: OpenedStore) -> None:
    opened.create_cluster()
    opened.store.record_signal("shop", SIGNAL)
    lease = opened.claim()
    lease.read()
    opened.store.record_signal("shop", replace(SIGNAL, data="more"))
    opened.restart()
    opened.store.record_signal("shop", replace(SIGNAL, data="even more"))

    lease.release(PAUSE_S)

    assert len(opened.claim().read().queue) == 2


def a_repeated_signal_ends_the_pause_of_its_cluster_later(opened: OpenedStore) -> None:
    opened.create_cluster()
    opened.store.record_signal("shop", SIGNAL)
    lease = opened.claim()
    lease.read()
    opened.store.record_signal("shop", replace(SIGNAL, data="more"))
    lease.release(PAUSE_S)
    was_due = opened.store.claim("worker") is not None

    opened.sleep(REPEAT_INTERVAL_S + 1)

    assert not was_due
    assert opened.claim().read().signals[0].data == "more"


def the_same_signal_again_is_no_news(opened: OpenedStore) -> None:
    opened.create_cluster()
    opened.store.record_signal("shop", SIGNAL)
    rest(opened)
    version = opened.store.read_version("shop")

    opened.store.record_signal("shop", SIGNAL)
    opened.sleep(REPEAT_INTERVAL_S + 1)

    assert opened.store.claim("worker") is None
    assert opened.store.read_version("shop") == version


def a_proof_keeps_its_time_however_often_it_is_repeated(opened: OpenedStore) -> None:
    opened.create_cluster()
    times = []
    for number, is_success in enumerate((False, True, True, False)):
        opened.store.record_signal("shop", replace(SIGNAL, is_success=is_success, data=str(number)))
        snapshot = opened.store.read("shop")
        assert snapshot is not None
        times.append(snapshot.signals[0].at)
        opened.sleep(10.0)

    failed_at, proved_at, repeated_at, failed_again_at = times
    assert failed_at < proved_at == repeated_at < failed_again_at


SIGNAL_CASES = (
    the_first_signal_of_each_generation_wakes_a_worker_at_once,
    signals_without_end_wake_a_worker_once_in_an_interval,
    an_order_behind_signals_without_end_is_due_at_once,
    an_order_during_a_lease_is_due_after_it_beside_repeated_signals,
    a_repeated_signal_ends_the_pause_of_its_cluster_later,
    the_same_signal_again_is_no_news,
    a_proof_keeps_its_time_however_often_it_is_repeated,
)
