"""Those who wait for operations: one looks for all, and nobody holds anything between two looks."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Mapping
from pathlib import Path

import pytest

from guestagent.errors import StorageError
from guestagent.resources.store.operation_watch import LOOK_INTERVAL_S, OperationWatch
from guestagent.resources.store.store_clock import ManualClock
from tests.support.polling import wait_until
from tests.support.store_contract.opened_store import OpenedStore
from tests.support.store_files import open_file

LONG_S = 30.0


class Sequences:
    """The operations of a database, and who has looked at them when."""

    def __init__(self) -> None:
        self.sequences: dict[str, int] = {}
        self.looks: list[float] = []
        self.error: StorageError | None = None

    def read(self, operation_ids: Collection[str]) -> Mapping[str, int]:
        self.looks.append(time.monotonic())
        if self.error is not None:
            raise self.error
        return {name: value for name, value in self.sequences.items() if name in operation_ids}


def start_waiters(watch: OperationWatch, *operation_ids: str) -> list[threading.Thread]:
    """Start a thread for each operation, which waits for a sequence above 1."""
    threads = [threading.Thread(target=watch.await_change, args=(each, 1, LONG_S)) for each in operation_ids]
    for thread in threads:
        thread.start()
    return threads


def test_what_this_process_writes_needs_no_look() -> None:
    database = Sequences()
    database.sequences = {"a": 1}
    watch = OperationWatch(database.read)
    (waiter,) = start_waiters(watch, "a")
    wait_until(lambda: len(database.looks) == 1)

    watch.note_changes({"a": 2})

    waiter.join(LONG_S)
    assert not waiter.is_alive()


def test_nobody_waits_at_the_end_of_the_process() -> None:
    database = Sequences()
    database.sequences = {"a": 1}
    watch = OperationWatch(database.read)
    (waiter,) = start_waiters(watch, "a")
    wait_until(lambda: len(database.looks) == 1)

    watch.end_waits()

    waiter.join(LONG_S)
    assert not waiter.is_alive()
    assert watch.has_ended


def test_one_looks_for_all_that_wait() -> None:
    database = Sequences()
    database.sequences = dict.fromkeys("abcdefgh", 1)
    watch = OperationWatch(database.read)
    waiters = start_waiters(watch, *"abcdefgh")
    wait_until(lambda: len(database.looks) == 3)

    database.sequences = dict.fromkeys("abcdefgh", 2)

    for waiter in waiters:
        waiter.join(LONG_S)
    pauses = [later - look for look, later in zip(database.looks, database.looks[1:], strict=False)]
    assert min(pauses) >= LOOK_INTERVAL_S
    assert not any(waiter.is_alive() for waiter in waiters)


def test_an_operation_that_is_gone_is_a_change() -> None:
    watch = OperationWatch(Sequences().read)

    watch.await_change("a", 1, LONG_S)


def test_after_a_failed_look_another_one_looks() -> None:
    database = Sequences()
    database.sequences, database.error = {"a": 1}, StorageError("broken")
    watch = OperationWatch(database.read)
    with pytest.raises(StorageError, match="broken"):
        watch.await_change("a", 1, LONG_S)

    database.error = None
    database.sequences = {"a": 2}

    watch.await_change("a", 1, LONG_S)


def test_nothing_is_kept_of_an_operation_for_which_nobody_waits() -> None:
    database = Sequences()
    database.sequences = {"a": 1}
    watch = OperationWatch(database.read)

    watch.await_change("a", 1, 0.01)
    watch.note_changes({"a": 2})

    assert not watch._waiting
    assert not watch._sequences


def test_a_waiter_holds_no_connection(tmp_path: Path) -> None:
    with open_file(tmp_path / "private" / "store.db", clock := ManualClock()) as store:
        opened = OpenedStore(store, clock.sleep)
        operation = opened.create_cluster()
        waiters = [threading.Thread(target=store.wait, args=(operation.id, 1, LONG_S)) for _ in range(20)]
        for waiter in waiters:
            waiter.start()

        wait_until(lambda: store._database.engine.pool.checkedout() == 0)  # type: ignore[attr-defined]
        opened.end(opened.claim(), operation)

        for waiter in waiters:
            waiter.join(LONG_S)
        assert not any(waiter.is_alive() for waiter in waiters)


def test_a_caller_gets_what_there_is_at_the_end_of_the_process(tmp_path: Path) -> None:
    with open_file(tmp_path / "store" / "orders.db", ManualClock()) as store:
        operation = OpenedStore(store, lambda _: None).create_cluster()
        threading.Timer(0.1, store.end_waits).start()

        assert store.wait(operation.id, operation.sequence, 20 * LONG_S) == operation
