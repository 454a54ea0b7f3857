"""When a seed is over, and what the source remembers of it."""

from __future__ import annotations

from dataclasses import replace

from guestagent.agent.donor_record import (
    RECORD_LIMIT,
    DonorEntry,
    DonorRecord,
    find_finished_entries,
    has_pending_reseed,
    has_progress,
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

    assert (before, stopped) == ((replace(WAITING, has_waited=False),), (WAITING,))
    assert update_donor_records(stopped, [build_replica()], ["slave0000"]) == (OVER,)


def test_a_seed_is_over_when_the_deadline_of_its_entry_is() -> None:
    replica = replace(build_replica(), deadline=100)

    before = update_donor_records((WAITING,), [replica], [], passed_s=99)
    after = update_donor_records(before, [replica], [], passed_s=1)

    assert [[each.is_over for each in records] for records in (before, after)] == [[False], [True]]


def test_a_replica_that_never_loses_its_channel_gets_nothing_after_the_deadline() -> None:
    replica = replace(build_replica(), deadline=100)
    records = update_donor_records((), [replica], ["slave0000"])

    (record,) = update_donor_records(records, [replica], ["slave0000"], passed_s=100)

    assert record.is_over


def test_a_new_entry_is_as_young_as_its_first_pass() -> None:
    (_, record) = update_donor_records((OVER,), [build_replica(node="Slave0001")], [], passed_s=10**6)

    assert (record.is_over, record.age_s) == (False, 0.0)


def test_an_age_alone_is_no_progress() -> None:
    assert not has_progress([WAITING], [replace(WAITING, age_s=10.0)])
    assert has_progress([WAITING], [OVER])


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


def test_only_an_old_channel_is_a_reason_to_look_more_often() -> None:
    old_channel = update_donor_records((), [build_replica()], ["slave0000"])
    no_channel = update_donor_records(old_channel, [build_replica()], [])
    over = update_donor_records(no_channel, [build_replica()], ["slave0000"])

    assert [has_pending_reseed(records) for records in (old_channel, no_channel, over, ())] == [
        True,
        False,
        False,
        False,
    ]
