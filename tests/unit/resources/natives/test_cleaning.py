"""An order to clean deletes what it names, after another look, and nothing else, whenever its worker is killed."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from guestagent.errors import OrderRefused
from guestagent.resources.natives.fake_faults import CloudFault, FaultKind
from guestagent.resources.natives.fake_project import FakeServer, FakeVolume
from guestagent.resources.natives.requests import DeleteServer, DeleteVolume
from guestagent.resources.operation import Operation, OperationState
from guestagent.resources.orders import Clean, DeleteInstance, Order, VolumeFate
from guestagent.resources.rule import build_rule
from guestagent.resources.views import AuditFinding
from tests.support.orders import build_order
from tests.unit.resources.natives.invariants import find_differences
from tests.unit.resources.natives.orphans import LOST_CLUSTER_ID, Orphans, audit, audit_twice
from tests.unit.resources.natives.worlds import World


@pytest.fixture
def world() -> World:
    return World().create(replicas=1)


def add_remains(world: World) -> tuple[FakeServer, FakeVolume]:
    """Add the server of a lost cluster, with its port, group and volume."""
    orphans = Orphans(world)
    volume, port = orphans.add_volume(), orphans.add_port(orphans.add_group().id)
    server = orphans.add_server(volume.id, port.id)
    orphans.add_server_group(server.id)
    return server, volume


def build_clean(findings: Sequence[AuditFinding], cluster: str = "lost") -> Order:
    order: Order = build_order(Clean, cluster=cluster, findings=tuple(each.id for each in findings))
    return order


def list_remains(world: World) -> set[str]:
    """Return what the lost cluster still has."""
    project = world.cloud.project
    servers = {each.id for each in project.servers.values() if each.name == "ga-lost"}
    volumes = {each.id for each in project.volumes.values() if each.name == "ga-lost"}
    ports = {each.id for each in project.ports.values() if each.name == "ga-lost"}
    groups = {each.id for each in project.groups.values() if each.name == "ga-lost"}
    server_groups = {each.id for each in project.server_groups.values() if LOST_CLUSTER_ID in each.name}
    return servers | volumes | ports | groups | server_groups


def clean(world: World, findings: Sequence[AuditFinding], cluster: str = "lost") -> Operation:
    operation = world.run(build_clean(findings, cluster))
    world.live(5)
    return operation


def test_remains_of_a_cluster_that_the_store_has_forgotten_are_deleted_in_one_order(world: World) -> None:
    add_remains(world)
    findings = audit_twice(world)

    operation = clean(world, findings)

    assert operation.state is OperationState.DONE
    assert operation.result == {each.id: "deleted" for each in findings}
    assert list_remains(world) == set()
    assert world.store.read("lost") is None
    assert {f"delete {each.resource} {each.cloud_id}" for each in findings} <= list_events(world)
    assert find_differences(world) == []


def test_a_volume_that_is_not_named_stays(world: World) -> None:
    _, volume = add_remains(world)
    findings = [each for each in audit_twice(world) if each.resource != "volume"]

    operation = clean(world, findings)

    assert {*operation.result.values()} == {"deleted"}
    assert list_remains(world) == {volume.id}
    assert (volume.status, world.count_requests(DeleteVolume)) == ("available", 0)


def test_a_volume_whose_server_is_not_named_is_skipped(world: World) -> None:
    server, volume = add_remains(world)
    findings = [each for each in audit_twice(world) if each.resource == "volume"]

    operation = clean(world, findings)

    assert operation.state is OperationState.DONE
    assert (
        operation.result[findings[0].id]
        == f"skipped: it is used by {server.id}, which the order does not name"
    )
    assert volume.id in list_remains(world)


def test_an_order_after_the_first_look_alone_looks_again_after_the_settle_time(world: World) -> None:
    add_remains(world)
    findings = audit(world)
    started_at = world.clock.now()
    deleted_at: list[float] = []
    world.watchers.append(
        lambda each: deleted_at.append(each.clock.now()) if each.count_requests(DeleteServer) else None
    )

    clean(world, findings)

    assert deleted_at[0] >= started_at + 120
    assert list_remains(world) == set()


def test_what_has_changed_since_is_skipped(world: World) -> None:
    group = Orphans(world).add_group()
    findings = audit_twice(world)
    next(iter(world.cloud.project.ports.values())).groups.add(group.id)

    operation = clean(world, findings)

    assert [*operation.result.values()] == ["skipped: it is gone, or it has changed since: audit again"]
    assert group.id in world.cloud.project.groups


def list_events(world: World) -> set[str]:
    return {event.text for event in world.store.events("lost")}


def test_what_the_cloud_refuses_is_skipped_with_its_reason(world: World) -> None:
    Orphans(world).add_server()
    findings = audit_twice(world)
    world.cloud.faults.append(CloudFault(FaultKind.REFUSED, DeleteServer, message="Instance is locked"))

    operation = clean(world, findings)

    assert [*operation.result.values()] == ["skipped: the cloud refused: Instance is locked"]
    assert f"clean {findings[0].id}: skipped: the cloud refused: Instance is locked" in list_events(world)


def test_a_finding_without_anything_to_delete_is_skipped(world: World) -> None:
    next(iter(world.cloud.project.servers.values())).metadata.clear()
    findings = audit_twice(world)

    operation = clean(world, findings, "shop")

    assert [*operation.result.values()] == ["skipped: there is nothing to delete"]
    assert len(world.cloud.project.servers) == 2


def test_a_cluster_that_works_on_gets_rid_of_a_kept_volume_and_a_foreign_rule(world: World) -> None:
    world.run(build_order(DeleteInstance, instance="Slave0000", volume=VolumeFate.KEEP))
    group = next(iter(world.cloud.project.groups.values()))
    group.rules["rule-of-others"] = build_rule(None, port_min=22)
    findings = audit_twice(world)

    operation = clean(world, findings, "shop")

    assert [*operation.result.values()] == ["deleted"] * 2
    assert len(world.cloud.project.volumes) == 1
    assert find_differences(world) == []


def test_nothing_is_deleted_while_a_cell_is_down(world: World) -> None:
    add_remains(world)
    findings = audit_twice(world)
    remains = list_remains(world)
    world.cloud.is_cell_down = True

    operation_id = world.submit(build_clean(findings))
    world.live(300)

    assert "lists are incomplete" in world.get_operation(operation_id).waiting_for
    assert list_remains(world) == remains


def test_a_cancelled_order_ends_where_it_is(world: World) -> None:
    add_remains(world)
    findings = audit(world)
    operation_id = world.submit(build_clean(findings))
    world.live(3)
    world.store.cancel(operation_id)
    world.live(40)

    assert world.get_operation(operation_id).state is OperationState.CANCELLED
    assert len(list_remains(world)) == 5


def test_findings_of_another_engine_are_refused(world: World) -> None:
    order = build_order(Clean, findings=("orchestrator-0123456789abcdef", "natives-0123456789abcdef"))

    with pytest.raises(OrderRefused, match="natives has not made these findings") as caught:
        world.engine.apply_order(None, order)

    assert [problem.found for problem in caught.value.problems] == ["orchestrator-0123456789abcdef"]


def prepare_remains() -> tuple[World, Sequence[AuditFinding]]:
    world = World().create()
    add_remains(world)
    findings = audit_twice(world)
    world.killer.passed.clear()
    return world, findings


def count_boundaries() -> int:
    world, findings = prepare_remains()
    clean(world, findings)
    return len(world.killer.passed)


def test_a_kill_at_any_boundary_or_any_two_changes_nothing() -> None:
    count = count_boundaries()
    broken = {}
    for case in [(first, second) for first in range(count) for second in range(first, count)]:
        world, findings = prepare_remains()
        world.killer.deadly = case
        operation = clean(world, findings)
        problems = [*find_differences(world), *list_remains(world)]
        if problems or operation.state is not OperationState.DONE:
            broken[case] = [*problems, str(operation)]

    assert count > 10
    assert broken == {}


@pytest.mark.parametrize("kind", [FaultKind.UNANSWERED, FaultKind.UNTAKEN])
def test_lost_answers_are_resolved_by_another_look(kind: FaultKind) -> None:
    world, findings = prepare_remains()
    world.cloud.faults.append(CloudFault(kind, times=3))

    operation = clean(world, findings)

    assert {*operation.result.values()} == {"deleted"}
    assert list_remains(world) == set()
