"""Setting the time of day and booting the machine, as a store sees them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.resources.operation import OperationState
from guestagent.resources.store.protocol import LEASE_S, LeaseLost
from guestagent.resources.store.records import ClusterChange
from guestagent.resources.store.store_clock import MachineClock, ManualClock
from tests.support.store_contract.opened_store import OpenedStore
from tests.support.store_files import open_file

HOUR_S = 3600.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "private" / "store.db"


@pytest.mark.parametrize("step_s", [HOUR_S, -HOUR_S])
def test_setting_the_time_of_day_neither_ends_nor_prolongs_a_lease(path: Path, step_s: float) -> None:
    with open_file(path, clock := ManualClock()) as store, open_file(path, clock) as other:
        opened = OpenedStore(store, clock.sleep)
        opened.create_cluster()
        lease = opened.claim()

        clock.set_wall_time(clock.read_wall_time() + step_s)

        lease.write(ClusterChange(wanted="{}"))
        assert lease.can_send()
        assert other.claim("other") is None
        clock.sleep(LEASE_S + 1)
        with pytest.raises(LeaseLost):
            lease.read()
        assert other.claim("other") is not None


def test_a_process_that_starts_after_the_time_was_set_agrees_with_the_others(path: Path) -> None:
    with open_file(path, clock := ManualClock()) as store:
        opened = OpenedStore(store, clock.sleep)
        opened.create_cluster()
        lease = opened.claim()
        clock.set_wall_time(clock.read_wall_time() + 10 * HOUR_S)

        with open_file(path, clock) as other:
            other_snapshot = other.read("shop")
            assert other.claim("other") is None

        assert other_snapshot is not None
        assert other_snapshot.now == lease.read().now


def test_people_see_the_time_of_day(path: Path) -> None:
    with open_file(path, clock := ManualClock()) as store:
        clock.set_wall_time(2_000_000_000.0)

        operation = OpenedStore(store, clock.sleep).create_cluster()

    assert operation.accepted_at == 2_000_000_000.0


def test_an_operation_ends_after_it_began_although_the_time_of_day_was_set_back(path: Path) -> None:
    with open_file(path, clock := ManualClock()) as store:
        opened = OpenedStore(store, clock.sleep)
        opened.create_cluster()
        lease = opened.claim()
        running = lease.read().queue[0].operation
        clock.set_wall_time(clock.read_wall_time() - HOUR_S)
        clock.sleep(60.0)

        ended = replace(
            running, state=OperationState.DONE, started_at=lease.read().now, ended_at=lease.read().now
        )
        lease.write(ClusterChange(operations=(ended,), events=("done",)))

        shown = store.operation(running.id)
        assert shown is not None
        assert shown.ended_at == clock.read_wall_time() == store.events("shop")[-1].at
        assert shown.ended_at - shown.accepted_at == 60.0


def test_after_a_boot_all_leases_are_over(path: Path) -> None:
    clock = ManualClock()
    with open_file(path, clock) as store:
        opened = OpenedStore(store, clock.sleep)
        opened.create_cluster()
        lease = opened.claim()
        before = lease.read().now

        clock.reboot(pause_s=1.0)
        with open_file(path, clock) as booted_store:
            booted_lease = booted_store.claim("worker")

        assert booted_lease is not None
        assert booted_lease.read().now == before + 1.0


def test_after_a_boot_a_cluster_that_paused_is_due(path: Path) -> None:
    clock = ManualClock()
    with open_file(path, clock) as store:
        opened = OpenedStore(store, clock.sleep)
        opened.create_cluster()
        lease = opened.claim()
        lease.read()
        lease.release(HOUR_S)

    clock.reboot()

    with open_file(path, clock) as store:
        assert store.claim("worker") is not None


def test_the_time_of_a_store_does_not_go_back_when_a_machine_boots_in_the_past(path: Path) -> None:
    clock = ManualClock()
    with open_file(path, clock) as store:
        opened = OpenedStore(store, clock.sleep)
        opened.create_cluster()
        before = opened.claim().read().now

    clock.reboot()
    clock.set_wall_time(0.0)

    with open_file(path, clock) as store:
        snapshot = store.read("shop")
        assert snapshot is not None
        assert snapshot.now == before


def test_the_clock_of_the_machine_goes_forward() -> None:
    clock = MachineClock()
    times = [clock.now(), clock.now()]

    assert times == sorted(times)
    assert clock.read_wall_time() > 1_700_000_000
    assert clock.read_boot_id() == clock.read_boot_id() != ""
