"""A service that is alone on its store file ends the leases of killed ones."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from guestagent.file_lock import open_lock, try_lock
from guestagent.resources.store.protocol import LeaseLost
from guestagent.resources.store.service_presence import hold_presence, is_service_present
from guestagent.resources.store.sql_store import SqlStore
from guestagent.resources.store.store_opening import open_sql_store
from guestagent.retry import FakeClock
from guestagent.secret import Secret
from tests.support.store_contract.opened_store import OpenedStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store" / "orders.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqlStore]:
    store = open_sql_store(Secret(f"sqlite:///{path}"))
    yield store
    store.close()


def open_worker(store: SqlStore) -> OpenedStore:
    return OpenedStore(store, lambda _: None)


def test_work_of_a_killed_service_goes_on_at_once(store: SqlStore, path: Path) -> None:
    worker = open_worker(store)
    worker.create_cluster()
    killed = worker.claim("killed")

    with hold_presence(path, store.end_leases):
        lease = worker.claim("next")

    assert lease.read().cluster.name == "shop"
    with pytest.raises(LeaseLost):
        killed.read()


def test_a_service_beside_another_leaves_its_leases_alone(store: SqlStore, path: Path) -> None:
    worker = open_worker(store)
    worker.create_cluster()

    with hold_presence(path, store.end_leases):
        lease = worker.claim("first")
        with hold_presence(path, store.end_leases):
            assert store.claim("second") is None

    assert lease.can_send()


def test_a_service_is_present_as_long_as_it_runs(store: SqlStore, path: Path) -> None:
    assert not is_service_present(path)

    with hold_presence(path, store.end_leases):
        assert is_service_present(path)

    assert not is_service_present(path)


def test_a_command_that_looks_for_a_service_is_not_taken_for_one(store: SqlStore, path: Path) -> None:
    worker = open_worker(store)
    worker.create_cluster()
    worker.claim("killed")

    with hold_presence(path, store.end_leases, LookingCommand(path)):
        assert worker.claim("next") is not None


class LookingCommand(FakeClock):
    """A command that holds the lock when a service starts, and releases it when the service waits."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._descriptor = open_lock(path.with_name(f"{path.name}.services"))
        assert try_lock(self._descriptor)

    def sleep(self, seconds: float) -> None:
        os.close(self._descriptor)
        super().sleep(seconds)
