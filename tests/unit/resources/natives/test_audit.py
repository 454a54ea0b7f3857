"""What an audit finds, what it leaves alone, and how a finding is named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from guestagent.errors import CloudUnreachable
from guestagent.resources.natives.cloud_lookups import add_holders
from guestagent.resources.natives.fake_faults import CloudFault, FaultKind
from guestagent.resources.natives.requests import CreateServer, CreateVolume, DeleteServer
from guestagent.resources.operation import OperationState
from guestagent.resources.orders import AddInstance, DeleteCluster, DeleteInstance, VolumeFate
from guestagent.resources.rule import build_rule
from guestagent.resources.store.records import ClusterChange, ResourceKind
from guestagent.resources.views import FindingKind
from tests.support.orders import build_order
from tests.unit.resources.natives.orphans import SETTLE_S, Orphans, audit, audit_twice, list_kinds
from tests.unit.resources.natives.worlds import World

ADD = build_order(AddInstance, flavor="m1.small", image="guestagent-mariadb", volume_gib=5)


@pytest.fixture
def world() -> World:
    return World().create(replicas=1)


def test_a_cluster_at_rest_has_no_findings(world: World) -> None:
    assert audit_twice(world) == ()


def test_remains_of_a_forgotten_cluster_are_orphans_at_the_second_look(world: World) -> None:
    orphans = Orphans(world)
    group = orphans.add_group()
    port, volume = orphans.add_port(group.id), orphans.add_volume()
    server = orphans.add_server(volume.id, port.id)
    server_group = orphans.add_server_group(server.id)
    ids = {group.id, port.id, volume.id, server.id, server_group.id}

    first = audit(world)
    world.clock.sleep(SETTLE_S - 1)
    early = audit(world)
    world.clock.sleep(1)
    second = audit(world)

    assert list_kinds(first) == list_kinds(early) == dict.fromkeys(ids, FindingKind.UNSETTLED)
    assert not any(each.is_cleanable for each in [*first, *early])
    assert list_kinds(second) == {
        group.id: FindingKind.ORPHAN,
        port.id: FindingKind.ORPHAN,
        server.id: FindingKind.ORPHAN,
        server_group.id: FindingKind.ORPHAN,
        volume.id: FindingKind.KEPT_VOLUME,
    }
    assert all(each.is_cleanable and each.cluster == "lost" for each in second)
    assert {each.id for each in first} == {each.id for each in second}


def test_what_was_not_there_in_between_is_looked_at_twice_again(world: World) -> None:
    port = Orphans(world).add_port()
    audit(world)
    kept = world.cloud.project.ports.pop(port.id)
    world.clock.sleep(SETTLE_S)
    audit(world)
    world.cloud.project.ports[port.id] = kept

    assert list_kinds(audit(world)) == {port.id: FindingKind.UNSETTLED}


def test_marks_of_another_store_and_no_marks_are_left_alone(world: World) -> None:
    foreign = Orphans(world, store_id="22222222-0000-4000-8000-000000000000")
    foreign.add_server(foreign.add_volume().id)
    foreign.add_group()
    stranger = foreign.add_port()
    world.cloud.project.ports[stranger.id].description = ""

    assert audit_twice(world) == ()


def test_an_incomplete_list_is_no_base_for_a_finding(world: World) -> None:
    world.cloud.is_cell_down = True

    with pytest.raises(CloudUnreachable, match="incomplete"):
        audit(world)


def test_a_kept_volume_is_found_and_says_what_cleaning_does(world: World) -> None:
    world.run(build_order(DeleteInstance, instance="Slave0000", volume=VolumeFate.KEEP))

    (finding,) = audit_twice(world)

    assert (finding.kind, finding.instance, finding.is_cleanable) == (
        FindingKind.KEPT_VOLUME,
        "Slave0000",
        True,
    )
    assert "deletes its data" in finding.text


def test_kept_volumes_of_a_deleted_cluster_are_found(world: World) -> None:
    world.run(build_order(DeleteCluster, volumes=VolumeFate.KEEP))

    findings = audit_twice(world)

    assert [each.kind for each in findings] == [FindingKind.KEPT_VOLUME] * 2
    assert {each.cluster for each in findings} == {"shop"}


def test_a_second_volume_with_the_same_mark_is_a_twin(world: World) -> None:
    snapshot = world.snapshot
    assert snapshot is not None
    twin = Orphans(world, snapshot.cluster.id, cluster="shop").add_volume("Slave0000")

    assert list_kinds(audit_twice(world)) == {twin.id: FindingKind.TWIN}


@pytest.mark.parametrize(
    "fault",
    [CloudFault(FaultKind.UNANSWERED, CreateVolume), CloudFault(FaultKind.LEAKED, CreateServer)],
    ids=["a volume without an answer", "a reservation without a server"],
)
def test_nothing_of_an_operation_is_a_finding(world: World, fault: CloudFault) -> None:
    world.cloud.faults.append(fault)
    operation_id = world.submit(ADD)

    texts = set()
    for _ in range(200):
        world.live()
        texts |= {each.text for each in audit(world)}

    assert texts == set()
    assert world.get_operation(operation_id).state is OperationState.DONE


@pytest.mark.parametrize(
    "kind", [ResourceKind.SERVER, ResourceKind.VOLUME, ResourceKind.PORT, ResourceKind.GROUP]
)
def test_what_the_next_round_finds_by_its_mark_is_no_finding(world: World, kind: ResourceKind) -> None:
    """The store may be older than the cloud, after it was restored from a backup."""
    world.clock.sleep(SETTLE_S)
    lease = world.store.claim("somebody else")
    snapshot = world.snapshot
    assert snapshot is not None
    lease.write(
        ClusterChange(forgotten=tuple(each.key for each in snapshot.resources if each.key.kind is kind))
    )

    texts = [each.text for each in audit_twice(world) if each.kind is not FindingKind.STRANGER]

    assert texts == []


def test_a_late_volume_of_a_request_that_was_repeated_is_a_twin(world: World) -> None:
    world.cloud.faults.append(CloudFault(FaultKind.LATE, CreateVolume, ticks=200))
    world.run(ADD)

    findings = audit_twice(world)

    assert [(each.kind, each.instance) for each in findings] == [(FindingKind.TWIN, "Slave0001")]


def test_a_reservation_for_a_server_that_does_not_exist_is_leaked(world: World) -> None:
    orphans = Orphans(world)
    volume = orphans.add_volume()
    reservation = orphans.attach(volume.id, "server-404")
    volume.status = "reserved"

    findings = audit_twice(world)

    assert list_kinds(findings) == {
        reservation.id: FindingKind.LEAKED_RESERVATION,
        volume.id: FindingKind.KEPT_VOLUME,
    }
    assert all(each.is_cleanable for each in findings)


def test_a_reservation_for_a_server_that_a_list_left_out_is_none_for_nobody(world: World) -> None:
    orphans = Orphans(world, store_id="another")
    server, volume = orphans.add_server(), Orphans(world).add_volume()
    orphans.attach(volume.id, server.id)
    observed = world.cloud.observe()
    partial = replace(observed, servers={})

    assert server.id in add_holders(world.cloud, partial).servers


def test_what_is_used_by_others_cannot_be_cleaned(world: World) -> None:
    orphans = Orphans(world)
    group, volume = orphans.add_group(), orphans.add_volume()
    port = world.cloud.project.ports[next(iter(world.cloud.project.ports))]
    port.groups.add(group.id)
    server = next(iter(world.cloud.project.servers))
    orphans.attach(volume.id, server, "attached")

    findings = {each.cloud_id: each for each in audit_twice(world)}

    assert not findings[group.id].is_cleanable
    assert port.id in findings[group.id].text
    assert not findings[volume.id].is_cleanable
    assert server in findings[volume.id].text


def test_a_finding_has_another_id_when_somebody_begins_to_use_the_thing(world: World) -> None:
    group = Orphans(world).add_group()
    (before,) = audit_twice(world)
    next(iter(world.cloud.project.ports.values())).groups.add(group.id)

    (after,) = audit(world)

    assert before.id != after.id
    assert after.kind is FindingKind.UNSETTLED


def test_a_server_that_is_gone_is_missing(world: World) -> None:
    server = next(iter(world.cloud.project.servers))
    world.live(SETTLE_S)
    world.cloud.send(DeleteServer(server_id=server))
    world.cloud.tick(5)

    findings = audit_twice(world)

    assert list_kinds(findings)[server] is FindingKind.MISSING
    assert not any(each.is_cleanable for each in findings)


def test_rules_and_ports_of_others_in_our_group(world: World) -> None:
    group = next(iter(world.cloud.project.groups.values()))
    group.rules["rule-of-others"] = build_rule(None, port_min=22)
    stranger = Orphans(world, store_id="another").add_port(group.id)

    findings = {each.cloud_id: each for each in audit_twice(world)}

    assert findings["rule-of-others"].kind is FindingKind.FOREIGN_RULE
    assert findings["rule-of-others"].is_cleanable
    assert findings[stranger.id].kind is FindingKind.STRANGER
    assert not findings[stranger.id].is_cleanable


def test_drift_is_shown_at_once_and_not_while_an_operation_runs(world: World) -> None:
    server = next(iter(world.cloud.project.servers.values()))
    server.metadata.clear()

    (finding,) = audit(world)
    world.silent_guests.add("Slave0001")
    world.submit(ADD)
    world.live(5)

    assert (finding.kind, finding.resource, finding.cloud_id) == (FindingKind.DRIFT, "server", server.id)
    assert [each.kind for each in audit(world)] == []
