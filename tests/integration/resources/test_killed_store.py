"""A process that is killed loses no order that a store of orders has accepted, and repeats none."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.errors import StorageError
from guestagent.resources.operation import OperationState
from guestagent.resources.store.protocol import LEASE_S, OrderStore
from guestagent.resources.store.records import ClusterChange
from guestagent.resources.store.store_clock import MachineClock
from tests.support.rebuild_killed_at_statement import FORMER, STORE_ID
from tests.support.store_contract.opened_store import accept_all
from tests.support.store_files import open_file
from tests.support.store_killed_at_statement import ORDERS, SIGNAL

pytestmark = pytest.mark.integration
TREE = Path(__file__).parents[3]


class LaterClock(MachineClock):
    """The clock of a worker that comes when the leases of all others are over."""

    def now(self) -> float:
        return super().now() + LEASE_S + 61


def check_returned_calls(store: OrderStore, returned: list[str]) -> None:
    """Check that the store holds what each call has written that returned."""
    snapshot = store.read("shop")
    for line in returned:
        word, _, value = line.partition(" ")
        if word == "open":
            assert store.id == value
        elif word == "accept":
            assert store.operation(value) is not None
        elif word == "start":
            assert snapshot is not None
            assert snapshot.cluster.wanted == "{}"
        elif word == "signal":
            assert snapshot is not None
            assert [replace(signal, at=0.0) for signal in snapshot.signals] == [SIGNAL]
        elif word == "end":
            assert [each.state for each in store.operations("shop")] == [
                OperationState.ACCEPTED,
                OperationState.DONE,
            ]


def finish_work(store: OrderStore) -> None:
    """Give both orders again, as a caller without an answer does, and carry out what is not done."""
    for order in ORDERS:
        store.accept(order, "natives", accept_all)
    while (lease := store.claim("other")) is not None:
        for queued in lease.read().queue:
            done = replace(queued.operation, state=OperationState.DONE)
            lease.write(ClusterChange(operations=(done,)))
        lease.release(600.0)


def check_file(path: Path) -> None:
    """Check that SQLite itself finds nothing wrong."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_kill_before_any_statement_loses_and_repeats_nothing(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "tests.support.store_killed_at_statement", tmp_path], cwd=TREE, check=True
    )

    folders = sorted(tmp_path.iterdir(), key=lambda folder: int(folder.name))
    assert len(folders) > 60
    for folder in folders:
        returned = (folder / "returned").read_text().split("\n")
        with open_file(folder / "private" / "store.db", LaterClock()) as store:
            check_returned_calls(store, returned)
            finish_work(store)
            operations = store.operations("shop")
            assert [each.request_id for each in operations] == ["restart", "create"], folder
            assert {each.state for each in operations} == {OperationState.DONE}, folder
            assert [event.text for event in store.events("shop")] in (["a", "b"], ["a"], []), folder
        check_file(folder / "private" / "store.db")


@pytest.mark.timeout(900)
def test_a_kill_before_any_statement_leaves_a_rebuilt_store_empty_or_whole(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "tests.support.rebuild_killed_at_statement", tmp_path], cwd=TREE, check=True
    )

    folders = sorted(tmp_path.iterdir(), key=lambda folder: int(folder.name))
    assert len(folders) > 30
    for folder in folders:
        path = folder / "private" / "store.db"
        with open_file(path, LaterClock()) as store:
            if not store.clusters():
                store.write_former_clusters(STORE_ID, FORMER)
        with open_file(path, LaterClock()) as store:
            assert store.id == STORE_ID, folder
            assert [each.name for each in store.clusters()] == ["blog", "shop"], folder
            for each in FORMER:
                snapshot = store.read(each.cluster.name)
                assert snapshot is not None
                assert [record.key for record in snapshot.resources] == [
                    record.key for record in each.resources
                ]
                assert [signal.generation for signal in snapshot.signals] == [7]
            with pytest.raises(StorageError, match="the store is not empty: it has clusters"):
                store.write_former_clusters(STORE_ID, FORMER)
        check_file(path)
