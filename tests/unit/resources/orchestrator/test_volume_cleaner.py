"""Volumes that were kept are deleted by an order that names their findings, and by nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from guestagent.errors import OrderRefused
from guestagent.resources.engine_selection import select_engine
from guestagent.resources.intake import OrderIntake
from guestagent.resources.natives.fake_faults import CloudFault, FaultKind
from guestagent.resources.natives.requests import DeleteVolume
from guestagent.resources.operation import OperationState
from guestagent.resources.orders import Clean, DeleteCluster, VolumeFate
from guestagent.resources.views import AuditFinding, FindingKind
from tests.support.orders import build_order
from tests.unit.resources.orchestrator.stack_worlds import CLUSTER, SETTLE_S, StackWorld

VOLUME = "Master0000Volume-id"


def prepare(*deadly: int) -> StackWorld:
    """Return a world with one volume that was kept, and no cluster."""
    world = StackWorld().create(replicas=0)
    world.run(build_order(DeleteCluster, volumes=VolumeFate.KEEP))
    world.forget_history()
    world.killer.deadly = deadly
    return world


def audit(world: StackWorld) -> Sequence[AuditFinding]:
    """Return what the second of two looks finds."""
    intake = OrderIntake(world.store, select_engine(world.build_engine()))
    intake.audit()
    world.clock.sleep(SETTLE_S)
    return intake.audit()


def find_kept(world: StackWorld) -> str:
    (finding,) = audit(world)
    assert finding.is_cleanable
    return finding.id


def test_a_kept_volume_is_deleted_by_its_finding_and_the_row_goes_again() -> None:
    world = prepare()
    finding_id = find_kept(world)

    done = world.run(build_order(Clean, findings=(finding_id,)))
    world.live(70)

    assert (done.state, done.result) == (OperationState.DONE, {finding_id: "deleted"})
    assert (world.cloud.project.volumes, world.snapshot) == ({}, None)


@pytest.mark.parametrize("boundary", range(12))
def test_a_kill_at_any_boundary_changes_nothing(boundary: int) -> None:
    world = prepare(boundary)
    finding_id = find_kept(world)

    done = world.run(build_order(Clean, findings=(finding_id,)))

    assert (done.state, done.result) == (OperationState.DONE, {finding_id: "deleted"})
    assert world.cloud.project.volumes == {}


def test_a_volume_that_is_used_again_is_left_alone() -> None:
    world = prepare()
    finding_id = find_kept(world)
    world.cloud.project.volumes[VOLUME].status = "in-use"

    done = world.run(build_order(Clean, findings=(finding_id,)))

    assert done.result[finding_id].startswith("skipped: it is gone, or it has changed")
    assert VOLUME in world.cloud.project.volumes


def test_the_finding_of_another_cluster_is_left_alone() -> None:
    world = prepare()
    finding_id = find_kept(world)

    done = world.run(build_order(Clean, cluster="other", findings=(finding_id,)))

    assert done.result[finding_id].startswith("skipped")
    assert VOLUME in world.cloud.project.volumes


def test_a_volume_without_a_store_s_mark_is_shown_and_never_deleted() -> None:
    world = prepare()
    del world.cloud.project.volumes[VOLUME].metadata["guestagent:store"]
    (finding,) = audit(world)

    done = world.run(build_order(Clean, findings=(finding.id,)))

    assert not finding.is_cleanable
    assert f"guestagent:store={world.store.id}" in finding.text
    assert done.result == {finding.id: "skipped: it does not have the mark of this store"}
    assert VOLUME in world.cloud.project.volumes


def test_a_volume_of_another_store_is_not_shown() -> None:
    world = prepare()
    world.cloud.project.volumes[VOLUME].metadata["guestagent:store"] = "another"

    assert audit(world) == []


def test_one_look_at_a_free_volume_proves_nothing() -> None:
    world = prepare()
    intake = OrderIntake(world.store, select_engine(world.build_engine()))

    (finding,) = intake.audit()

    assert (finding.kind, finding.is_cleanable) == (FindingKind.UNSETTLED, False)


def test_an_order_by_one_look_waits_for_the_second() -> None:
    world = prepare()
    (finding,) = OrderIntake(world.store, select_engine(world.build_engine())).audit()

    operation_id = world.submit(build_order(Clean, findings=(finding.id,)))
    world.live(int(SETTLE_S) - 10)
    early = world.get_operation(operation_id)
    world.live(60)

    assert early.waiting_for == f"volume {VOLUME} was seen once: a second look decides"
    assert world.get_operation(operation_id).result == {finding.id: "deleted"}


def test_a_stack_that_heat_leaves_out_of_one_answer_keeps_its_free_volume() -> None:
    world = StackWorld().create(replicas=0)
    world.cloud.project.volumes[VOLUME].status = "available"  # its server is being replaced
    stack = world.heat.live.pop(CLUSTER)
    intake = OrderIntake(world.store, select_engine(world.build_engine()))
    first = {each.cloud_id: each for each in intake.audit()}[VOLUME]
    world.heat.live[CLUSTER] = stack

    done = world.run(build_order(Clean, findings=(first.id,)))

    assert (first.kind, first.is_cleanable) == (FindingKind.UNSETTLED, False)
    assert done.result[first.id].startswith("skipped: it is gone, or it has changed")
    assert VOLUME in world.cloud.project.volumes


def test_a_look_that_shows_the_stack_begins_the_wait_anew() -> None:
    world = StackWorld().create(replicas=0)
    world.cloud.project.volumes[VOLUME].status = "available"
    intake = OrderIntake(world.store, select_engine(world.build_engine()))
    stack = world.heat.live.pop(CLUSTER)
    intake.audit()
    world.heat.live[CLUSTER] = stack
    intake.audit()
    del world.heat.live[CLUSTER]
    world.clock.sleep(SETTLE_S)

    kinds = {each.cloud_id: each.kind for each in intake.audit()}

    assert kinds[VOLUME] is FindingKind.UNSETTLED


def test_a_finding_of_another_engine_is_refused() -> None:
    world = prepare()

    with pytest.raises(OrderRefused) as refused:
        world.submit(build_order(Clean, findings=("natives-0123456789abcdef",)))

    assert refused.value.code == "invalid"


def test_a_deletion_that_the_cloud_has_refused_is_not_asked_for_again() -> None:
    world = prepare()
    volumes = world.cloud.project.volumes
    volumes["other"] = replace(volumes[VOLUME], id="other")
    findings = audit(world)
    world.cloud.faults.append(CloudFault(FaultKind.REFUSED, DeleteVolume, message="it is busy"))

    operation_id = world.submit(build_order(Clean, findings=tuple(each.id for each in findings)))
    while not any(each.status == "deleting" for each in volumes.values()):
        world.live()
    for volume in volumes.values():
        volume.countdown = 20
    world.live(60)

    outcomes = sorted(world.get_operation(operation_id).result.values())
    assert outcomes == ["deleted", "skipped: the cloud refused: it is busy"]
    assert len(volumes) == 1
