"""Whether new data fit on the disk."""

from __future__ import annotations

import pytest

from guestagent.byte_units import MIB
from guestagent.errors import SeedError
from guestagent.seeding.disk_space import DiskPlan, compute_need, plan_disk

DATA = 10_000 * MIB
NEED = compute_need(DATA)


def plan(free: int, old: int = 0, *, discards_data: bool = False) -> DiskPlan:
    return plan_disk(DATA, free, old, "/var/lib/mysql", discards_data=discards_data)


def test_old_data_stay_if_the_new_ones_fit_beside_them() -> None:
    assert plan(NEED, discards_data=True) is DiskPlan.KEEP_OLD


def test_old_data_are_discarded_first_if_only_then_the_new_ones_fit() -> None:
    assert plan(NEED - 1, old=1, discards_data=True) is DiskPlan.DISCARD_FIRST


@pytest.mark.parametrize(("old", "discards_data"), [(0, False), (NEED, False), (NEED // 2, True)])
def test_data_that_do_not_fit_are_refused_with_the_sizes(old: int, discards_data: bool) -> None:
    with pytest.raises(SeedError, match=r"10000 MiB and need 10500 MiB .* where 500 MiB are free") as failure:
        plan(500 * MIB, old, discards_data=discards_data)

    assert not failure.value.is_transient
    assert "10000 MiB" in failure.value.advice
    assert ("discard" in failure.value.advice) == (old == NEED and not discards_data)


def test_a_small_seed_needs_room_for_what_the_server_writes() -> None:
    assert compute_need(MIB) == 129 * MIB
