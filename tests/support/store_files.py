"""Stores of orders in files of SQLite, for tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from guestagent.resources.store.sql_store import SqlStore
from guestagent.resources.store.store_clock import ManualClock, StoreClock
from guestagent.resources.store.store_location import StoreFile
from guestagent.resources.store.store_opening import open_file_store
from tests.support.store_contract.opened_store import OpenedStore

SHORT_TIMEOUT_S = 0.1
"""For which a test waits for a lock that another holds for good."""


@contextmanager
def open_file(path: Path, clock: StoreClock, busy_timeout_s: float = SHORT_TIMEOUT_S) -> Iterator[SqlStore]:
    """Open a store, as a process does, and close it at the end."""
    store = open_file_store(StoreFile(path), clock, busy_timeout_s)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def open_contract_file(folder: Path) -> Iterator[OpenedStore]:
    """Open a new store for the cases of the contract."""
    clock = ManualClock()
    with open_file(folder / "private" / "store.db", clock) as store:
        yield OpenedStore(store, clock.sleep)
