"""A store of orders on a disk that is full or cannot be written."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from guestagent.errors import StorageError
from guestagent.resources.orders import CreateCluster
from guestagent.resources.store.protocol import OrderStore
from guestagent.resources.store.records import ClusterChange
from guestagent.resources.store.store_clock import ManualClock
from tests.support.orders import build_order
from tests.support.small_disk import fill_disk, mount_tiny_disk
from tests.support.store_contract.opened_store import OpenedStore, accept_all, build_record
from tests.support.store_files import open_file

pytestmark = pytest.mark.integration


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with mount_tiny_disk(tmp_path / "disk", "4m") as folder:
        yield folder


def accept_until_full(store: OrderStore) -> list[str]:
    """Give orders until the disk is full. Return the clusters of those that were accepted."""
    accepted: list[str] = []
    for number in range(1000):
        order = build_order(CreateCluster, f"c{number:03d}", description={"filler": "x" * 20_000})
        try:
            store.accept(order, "natives", accept_all)
        except StorageError as error:
            assert "free some space" in str(error)
            return accepted
        accepted.append(order.cluster)
    raise AssertionError("the disk was never full")


def test_an_order_is_refused_whole_when_the_disk_is_full(disk: Path) -> None:
    with open_file(disk / "store.db", ManualClock()) as store:
        accepted = accept_until_full(store)

        assert [record.name for record in store.clusters()] == accepted
    with open_file(disk / "store.db", ManualClock()) as store:
        assert [record.name for record in store.clusters()] == accepted


def test_work_goes_on_when_there_is_space_again(disk: Path) -> None:
    with open_file(disk / "store.db", clock := ManualClock()) as store:
        OpenedStore(store, clock.sleep).create_cluster()
        lease = OpenedStore(store, clock.sleep).claim()
        before = lease.read()
        filler = fill_disk(disk / "filler")
        change = ClusterChange(wanted="x" * 200_000, resources=(build_record(),), events=("written",))
        with pytest.raises(StorageError, match="free some space"):
            lease.write(change)
        assert (lease.read(), store.events("shop")) == (before, ())

        filler.unlink()
        lease.write(change)

        assert lease.read().resources == (build_record(),)


def test_a_store_is_not_half_made_on_a_full_disk(disk: Path) -> None:
    filler = fill_disk(disk / "filler")
    with pytest.raises(StorageError, match="free some space"), open_file(disk / "store.db", ManualClock()):
        pass

    filler.unlink()

    with open_file(disk / "store.db", clock := ManualClock()) as store:
        OpenedStore(store, clock.sleep).create_cluster()


def test_a_disk_that_is_read_only_is_reported(disk: Path) -> None:
    with open_file(disk / "store.db", ManualClock()):
        pass
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)

    with (
        pytest.raises(StorageError, match=r"cannot (use|write) .*(Read-only|permissions)"),
        open_file(disk / "store.db", ManualClock()),
    ):
        pass
