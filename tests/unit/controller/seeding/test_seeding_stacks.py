"""Changes of stacks in which a replica gets its data, with the shipped fake Heat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone

import pytest

from guestagent.controller import Cluster, Dialect, FakeHeat, Passwords, Stacks
from guestagent.controller.donor_certificate import LIFETIME, create_certificate
from guestagent.controller.seed import SeedSettings, SourceSize
from guestagent.controller.seed_preparation import plan_new_seeds, read_source_size
from guestagent.errors import InvalidCluster, StackFailed
from guestagent.metadata import Tls
from guestagent.metadata.document import DataVolume
from tests.support.cluster_strategies import CA, SMALL, build_cluster
from tests.support.fake_stacks import LONG_TIMEOUT_S, launch_stack, signal_evidence
from tests.support.seeding_clusters import GIB

NOW = datetime.now(timezone.utc)
SOURCE = "Master0000ReadyWaitCond"


def launch(heat: FakeHeat, dialect: Dialect = Dialect.HOT, **settings: object) -> Stacks:
    return launch_stack(heat, build_cluster(1, dialect=dialect, **settings))


def add_replica(cluster: Cluster) -> Cluster:
    return cluster.add_replica(SMALL)


def change(stacks: Stacks, operation: Callable[[Cluster], Cluster]) -> Cluster:
    """Change the stack, wait, and return what it has become."""
    stacks.wait(stacks.change("db", operation), LONG_TIMEOUT_S)
    return stacks.cluster("db")


def test_a_new_replica_has_the_time_that_the_sources_evidence_calls_for() -> None:
    heat = FakeHeat()
    stacks = launch(heat)
    signal_evidence(
        heat, SOURCE, family="MariaDB", data_bytes=100 * GIB, log_bytes=10 * GIB, disk_bytes=150 * GIB
    )

    cluster = change(stacks, add_replica)

    seed = cluster.node("Slave0001").seed
    assert seed is not None
    assert (seed.data_bytes, seed.log_bytes, seed.deadline) == (100 * GIB, 10 * GIB, 5850)
    assert heat.live["db"].timeout_minutes == -(-(600 + 390 + 600 + 390 + 5850) // 60)


@pytest.mark.parametrize("size", [None, -1, "12", 1.5, True, 2**61])
def test_a_size_that_makes_no_sense_is_unknown(size: object) -> None:
    heat = FakeHeat()
    stacks = launch(heat)
    signal_evidence(heat, SOURCE, data_bytes=size)

    seed = change(stacks, add_replica).node("Slave0001").seed

    assert seed is not None
    assert (seed.data_bytes, seed.deadline) == (None, 43200 - 390)


def test_a_data_volume_that_has_grown_since_the_signal_counts() -> None:
    size = SourceSize(GIB, is_measured=True, disk_bytes=10 * GIB)
    before = build_cluster(1, dialect=Dialect.HOT)
    cluster = before.add_replica(SMALL)
    source = replace(cluster.own_source, volume=DataVolume("volume", 100))

    planned = plan_new_seeds(replace(cluster, source=source), before, size)

    seed = planned.node("Slave0001").seed
    assert seed is not None
    assert seed.deadline == 3 * 1310


@pytest.mark.parametrize("value", [None, 5, "yesterday", "2026-11-29T12:00:01"])
def test_a_time_that_makes_no_sense_is_unknown(value: object) -> None:
    assert read_source_size({"measured_at": value}).measured_at == ""


def test_the_work_tells_what_the_source_has_signalled() -> None:
    heat = FakeHeat()
    stacks = launch(heat)
    signal_evidence(heat, SOURCE, data_bytes=GIB, measured_at="2026-11-29T12:00:01+00:00")

    work = stacks.change("db", add_replica)

    assert work.source_size == SourceSize(GIB, is_measured=True, measured_at="2026-11-29T12:00:01+00:00")


def test_a_size_that_was_given_is_not_replaced() -> None:
    heat = FakeHeat()
    stacks = launch(heat)
    signal_evidence(heat, SOURCE, data_bytes=GIB)

    cluster = change(stacks, lambda cluster: cluster.add_replica(SMALL, SourceSize(50 * GIB)))

    seed = cluster.node("Slave0001").seed
    assert seed is not None
    assert seed.data_bytes == 50 * GIB


def test_in_cfn_a_seed_that_outlasts_its_url_is_refused_before_anything_is_sent() -> None:
    heat = FakeHeat()
    stacks = launch(heat, Dialect.CFN, subnet="subnet-1")
    signal_evidence(heat, SOURCE, data_bytes=100 * GIB)

    with pytest.raises(InvalidCluster, match="because a signed URL expires after auth_ttl"):
        stacks.change("db", add_replica)

    assert "update" not in heat.asked


def test_a_method_that_the_source_does_not_have_is_refused_before_anything_is_sent() -> None:
    heat = FakeHeat()
    stacks = launch(heat, seeding=SeedSettings("clone"))
    signal_evidence(heat, SOURCE, family="MariaDB", data_bytes=GIB)

    with pytest.raises(InvalidCluster, match="expected auto, backup or dump on mariadb, found clone"):
        stacks.change("db", add_replica)

    assert "update" not in heat.asked


def test_the_key_of_the_donors_port_goes_to_heat_beside_the_template() -> None:
    heat = FakeHeat()
    stacks = launch(heat)

    cluster = change(stacks, add_replica)

    assert "BEGIN CERTIFICATE" in (cluster.donor_certificate or "")
    assert "PRIVATE KEY" in heat.live["db"].parameters["DonorKey"].reveal()


def test_with_a_ca_there_is_no_key() -> None:
    heat = FakeHeat()
    stacks = launch(heat, tls=Tls(ca=CA))

    cluster = change(stacks, add_replica)

    assert cluster.donor_certificate is None
    assert heat.live["db"].parameters == {}


def test_the_next_change_ends_the_seed_of_a_replica_that_has_joined() -> None:
    heat = FakeHeat()
    stacks = launch(heat)
    change(stacks, add_replica)

    cluster = change(stacks, lambda cluster: cluster.resize("Slave0000", "m1.tiny"))

    assert cluster.joining_replicas == ()
    assert cluster.donor_certificate is None
    assert heat.live["db"].parameters == {}


def test_a_replica_that_is_added_at_once_joins_with_the_same_certificate() -> None:
    heat = FakeHeat()
    stacks = launch(heat)
    first = change(stacks, add_replica)

    second = change(stacks, add_replica)

    assert [node.name for node in second.joining_replicas] == ["Slave0002"]
    assert second.donor_certificate == first.donor_certificate


def test_a_replica_that_has_not_joined_keeps_certificate_key_and_password() -> None:
    heat = FakeHeat()
    stacks = launch(heat, passwords=Passwords.PARAMETERS)
    heat.verdicts["Slave0001ReadyWaitCond"] = "the seed failed"
    with pytest.raises(StackFailed):
        change(stacks, add_replica)
    before, parameters = stacks.cluster("db"), dict(heat.live["db"].parameters)

    after = change(stacks, lambda cluster: cluster)

    assert [node.name for node in after.joining_replicas] == ["Slave0001"]
    assert after.node("Slave0001").generation == 2
    assert after.donor_certificate == before.donor_certificate
    assert heat.live["db"].parameters == parameters


def test_a_certificate_near_its_end_is_replaced_with_its_key() -> None:
    heat = FakeHeat()
    stacks = launch(heat)
    heat.verdicts["Slave0001ReadyWaitCond"] = "the seed failed"
    with pytest.raises(StackFailed):
        change(stacks, add_replica)
    old_key = heat.live["db"].parameters["DonorKey"]
    expired = create_certificate("Master0000", NOW - LIFETIME).certificate

    after = change(stacks, lambda cluster: replace(cluster, donor_certificate=expired))

    assert after.donor_certificate != expired
    assert heat.live["db"].parameters["DonorKey"] != old_key


def test_a_reseed_is_one_update() -> None:
    heat = FakeHeat()
    stacks = launch(heat)
    signal_evidence(heat, SOURCE, data_bytes=GIB)

    cluster = change(stacks, lambda cluster: cluster.reseed("Slave0000"))

    assert heat.asked.count("update") == 1
    seed = cluster.node("Slave0000").seed
    assert seed is not None
    assert (seed.is_reseed, seed.data_bytes) == (True, GIB)


def test_the_source_is_not_reseeded() -> None:
    stacks = launch(FakeHeat())

    with pytest.raises(InvalidCluster, match="Master0000, the source"):
        stacks.change("db", lambda cluster: cluster.reseed("Master0000"))


def test_the_account_for_comparisons_gets_a_password_when_the_stack_is_created() -> None:
    heat = FakeHeat()

    launch(heat, passwords=Passwords.PARAMETERS, verification="verifier")

    assert len(heat.live["db"].parameters["VerificationPassword"]) == 30


def test_replicas_that_are_added_before_the_stack_is_created_need_no_donor() -> None:
    heat = FakeHeat()

    stacks = launch_stack(heat, build_cluster(1, dialect=Dialect.HOT).add_replica(SMALL))

    assert [node.seed for node in stacks.cluster("db")] == [None, None, None]
    assert heat.live["db"].parameters == {}


def test_a_change_reads_nothing_that_can_break_a_stack() -> None:
    heat = FakeHeat()
    stacks = launch(heat)

    change(stacks, add_replica)

    assert heat.endangered == []
