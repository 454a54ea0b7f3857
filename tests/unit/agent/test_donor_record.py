"""When a seed is over, and what the source remembers of it."""

from __future__ import annotations

from guestagent.agent.donor_record import (
    RECORD_LIMIT,
    DonorEntry,
    DonorRecord,
    find_finished_entries,
    update_donor_records,
)
from guestagent.metadata.document import JoiningReplica, User
from guestagent.secret import Secret

ENTRY = DonorEntry("Slave0000", "seed0000")
WAITING, OVER = DonorRecord(ENTRY), DonorRecord(ENTRY, is_over=True)


def build_replica(user: str = "seed0000", node: str = "Slave0000") -> JoiningReplica:
    return JoiningReplica(node, User(user, Secret("pw")), "slave0000")


def test_a_new_replica_is_waited_for() -> None:
    assert update_donor_records((), [build_replica()], []) == (WAITING,)


def test_a_seed_is_over_when_its_replica_has_a_channel() -> None:
    assert update_donor_records((WAITING,), [build_replica()], ["slave0000"]) == (OVER,)


def test_a_channel_of_another_user_does_not_count() -> None:
    assert update_donor_records((WAITING,), [build_replica()], ["seed0000", "slave0001"]) == (WAITING,)


def test_a_channel_from_before_the_entry_does_not_count() -> None:
    before = update_donor_records((), [build_replica()], ["slave0000"])
    stopped = update_donor_records(before, [build_replica()], [])

    assert (before, stopped) == ((), (WAITING,))
    assert update_donor_records(stopped, [build_replica()], ["slave0000"]) == (OVER,)


def test_a_seed_stays_over_without_a_channel() -> None:
    assert update_donor_records((OVER,), [build_replica()], []) == (OVER,)


def test_a_seed_stays_over_when_its_entry_leaves_and_comes_again() -> None:
    left = update_donor_records((OVER,), [], [])

    assert left == (OVER,)
    assert update_donor_records(left, [build_replica()], []) == (OVER,)


def test_an_entry_that_leaves_before_its_seed_is_over_is_forgotten() -> None:
    assert update_donor_records((WAITING,), [], []) == ()


def test_another_user_is_another_seed_of_the_node() -> None:
    records = update_donor_records((OVER,), [build_replica("seed0001")], [])

    assert records == (OVER, DonorRecord(DonorEntry("Slave0000", "seed0001")))
    assert find_finished_entries(records) == {ENTRY}


def test_the_oldest_former_seeds_are_forgotten_and_no_present_one() -> None:
    former = tuple(
        DonorRecord(DonorEntry(f"node{number}", "u"), is_over=True) for number in range(RECORD_LIMIT)
    )

    records = update_donor_records((OVER, *former), [build_replica()], [])

    assert len(records) == RECORD_LIMIT
    assert records[-1] == OVER
    assert former[0] not in records
