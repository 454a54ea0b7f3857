"""How long a seed may take: from the size of the source, the settings and Heat's clocks."""

from __future__ import annotations

from hashlib import sha256

import pytest

from guestagent.controller import Dialect
from guestagent.controller.seed import (
    DEFAULT_SEEDING,
    MIN_ALLOWANCE_S,
    NodeSeed,
    SeedClock,
    SeedSettings,
    SourceSize,
    compute_fingerprint,
    estimate_node_seconds,
    estimate_seconds,
    plan_reseed,
    plan_seed,
)
from guestagent.errors import InvalidCluster

GIB = 1 << 30
HOT = SeedClock(390, 900, Dialect.HOT)
CFN = SeedClock(390, 900, Dialect.CFN)
NEW = NodeSeed(1, 1)


def plan_deadline(clock: SeedClock, settings: SeedSettings = DEFAULT_SEEDING, **size: int) -> int | None:
    seed = plan_seed(NEW, clock, settings, SourceSize(**size))  # type: ignore[arg-type]
    return None if seed is None else seed.deadline


@pytest.mark.parametrize("clock", [HOT, CFN])
def test_little_data_have_the_shortest_time(clock: SeedClock) -> None:
    assert plan_deadline(clock, data_bytes=100 << 20) == MIN_ALLOWANCE_S


def test_much_data_have_several_times_the_expected_time() -> None:
    expected_s = estimate_seconds(DEFAULT_SEEDING, SourceSize(100 * GIB))

    assert expected_s == 30 + 1280
    assert plan_deadline(HOT, data_bytes=100 * GIB) == 3 * 1310


def test_a_rate_limit_makes_it_longer() -> None:
    assert estimate_seconds(SeedSettings(rate_limit=10), SourceSize(10 * GIB)) == 30 + 1024


def test_a_dump_is_slower_than_a_copy_of_files() -> None:
    size = SourceSize(10 * GIB)

    assert (estimate_seconds(SeedSettings("dump"), size) or 0) > (
        estimate_seconds(DEFAULT_SEEDING, size) or 0
    )


def test_few_logs_are_expected_to_be_replayed() -> None:
    assert estimate_seconds(DEFAULT_SEEDING, SourceSize(10 * GIB, 12 << 20)) == 1


def test_logs_of_a_replica_that_is_reseeded_do_not_count() -> None:
    reseed = NodeSeed(300, 2, 10 * GIB, 12 << 20, is_reseed=True)

    assert (estimate_node_seconds(DEFAULT_SEEDING, reseed) or 0) > 100


def test_a_seed_that_is_over_is_not_waited_for() -> None:
    assert estimate_node_seconds(DEFAULT_SEEDING, NodeSeed(300, 1, GIB).end()) is None


def test_a_deadline_that_is_set_is_taken_as_it_is() -> None:
    assert plan_deadline(HOT, SeedSettings(deadline=20000), data_bytes=GIB) == 20000


def test_an_unknown_size_has_the_time_that_there_is() -> None:
    assert plan_deadline(HOT) == MIN_ALLOWANCE_S
    assert plan_deadline(SeedClock(800, 900, Dialect.CFN)) == 99
    assert plan_deadline(SeedClock(899, 900, Dialect.CFN)) is None


def test_a_measured_size_allows_for_a_full_disk() -> None:
    measured = SourceSize(GIB, is_measured=True, disk_bytes=100 * GIB)

    seed = plan_seed(NEW, HOT, DEFAULT_SEEDING, measured)

    assert seed is not None
    assert (seed.data_bytes, seed.deadline) == (GIB, 3 * 1310)


def test_a_measured_size_on_a_disk_of_unknown_size_allows_for_all_that_heat_does() -> None:
    for clock in (HOT, CFN):
        seed = plan_seed(NEW, clock, DEFAULT_SEEDING, SourceSize(GIB, is_measured=True))

        assert seed is not None
        assert seed.deadline == clock.limit_s


def test_a_disk_that_is_too_large_for_heats_clocks_is_no_reason_to_refuse() -> None:
    seed = plan_seed(NEW, CFN, DEFAULT_SEEDING, SourceSize(GIB, is_measured=True, disk_bytes=100 * GIB))

    assert seed is not None
    assert seed.deadline == CFN.limit_s == 509


def test_a_deadline_that_is_set_counts_whatever_the_disk_holds() -> None:
    size = SourceSize(GIB, is_measured=True, disk_bytes=100 * GIB)

    seed = plan_seed(NEW, HOT, SeedSettings(deadline=400), size)

    assert seed is not None
    assert seed.deadline == 400


def test_in_cfn_a_seed_that_outlasts_the_signed_url_is_refused_with_advice() -> None:
    with pytest.raises(InvalidCluster) as refusal:
        plan_deadline(CFN, data_bytes=100 * GIB)

    text = str(refusal.value)
    assert "expected a seed of at most 509 s, because a signed URL expires after auth_ttl, 900 s" in text
    assert "found 3930 s" in text
    assert "nodes of a cluster in hot can signal with a login that does not expire" in text


def test_a_seed_that_outlasts_heats_longest_wait_is_refused_in_both() -> None:
    for clock in (HOT, SeedClock(390, 10**6, Dialect.CFN)):
        with pytest.raises(InvalidCluster, match="because Heat waits at most 43200 s for a node"):
            plan_deadline(clock, data_bytes=2000 * GIB)


def test_logs_cannot_replace_data() -> None:
    with pytest.raises(
        InvalidCluster, match=r"seeding\.method: expected a method that copies data, found replay"
    ):
        plan_reseed(2, HOT, SeedSettings("replay"), SourceSize(GIB), discard=False)


def test_a_reseed_without_any_time_is_refused() -> None:
    with pytest.raises(InvalidCluster, match="expected a seed of at most 0 s"):
        plan_reseed(2, SeedClock(899, 900, Dialect.CFN), DEFAULT_SEEDING, SourceSize(), discard=False)


def test_the_fingerprint_is_of_the_der_form() -> None:
    pem = "-----BEGIN CERTIFICATE-----\nMC4=\n-----END CERTIFICATE-----\n"

    assert compute_fingerprint(pem) == sha256(b"0.").hexdigest()
