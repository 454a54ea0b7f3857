"""Two services with stores of their own in one project: each leaves alone what the other one's store has made."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import openstack
import pytest
from openstack.connection import Connection

from guestagent.embedded import serving
from guestagent.errors import OrderRefused
from guestagent.resources.engine_context import EngineContext
from guestagent.resources.engine_selection import EngineSelection
from guestagent.resources.natives.cloud_api import CloudObservation
from guestagent.resources.natives.engine_factory import select_natives
from guestagent.resources.operation import Operation, OperationState
from guestagent.resources.orchestrator.engine_factory import select_orchestrator
from guestagent.resources.orders import (
    Clean,
    CreateCluster,
    DeleteCluster,
    RegisterCluster,
    RenewInstance,
    VolumeFate,
)
from guestagent.resources.views import AuditFinding, FindingKind
from tests.support.imitated_guests import ImitatedGuests
from tests.support.orders import DESCRIPTION, LONE_SOURCE
from tests.support.served_engines import ServedEngines, serve_engines
from tests.support.signalling_guests import SignallingHypervisor

pytestmark = pytest.mark.timeout(900)

SETTLE_S = 1.0
SelectEngine = Callable[[EngineContext], EngineSelection]


@dataclass(frozen=True)
class SharedProject:
    """A project of the embedded cloud, and the folder of the stores of its services."""

    connection: Connection
    folder: Path

    @contextmanager
    def serve(self, name: str, select: SelectEngine) -> Iterator[ServedEngines]:
        """Run a service whose store nobody else has."""
        with serve_engines(self.folder / name, self.connection, select, settle_s=SETTLE_S) as manager:
            yield manager


@pytest.fixture
def project(tmp_path: Path) -> Iterator[SharedProject]:
    hypervisor = SignallingHypervisor()
    with (
        serving(hypervisor) as served,
        openstack.connect(**served.connect) as connection,
        ImitatedGuests(hypervisor),
    ):
        yield SharedProject(connection, tmp_path)


def audit_twice(manager: ServedEngines) -> Sequence[AuditFinding]:
    manager.intake.audit()
    time.sleep(SETTLE_S + 0.1)
    return manager.intake.audit()


def list_ids(observed: CloudObservation) -> set[str]:
    """Return the ids of all that a look at the project shows."""
    attachments = {each.id for each in observed.attachments}
    kinds = (observed.servers, observed.volumes, observed.ports, observed.groups, observed.server_groups)
    return attachments.union(*kinds)


def create(manager: ServedEngines, cluster: str) -> set[str]:
    """Create a cluster, and return the ids of all that it has."""
    before = list_ids(manager.observe())
    created = manager.carry_out(CreateCluster, cluster=cluster, description=DESCRIPTION)
    assert created.state is OperationState.DONE, created
    return list_ids(manager.observe()) - before


def get_refusal(operation: Operation) -> str:
    assert operation.refusal is not None, operation
    return str(operation.refusal.code)


@pytest.mark.parametrize(
    ("first_engine", "second_engine", "second_cluster"),
    [
        pytest.param(select_natives, select_natives, "shop", id="natives beside natives"),
        pytest.param(select_natives, select_orchestrator, "shop", id="natives beside stacks"),
        pytest.param(select_orchestrator, select_natives, "shop", id="stacks beside natives"),
        # The names of stacks are unique in a project.
        pytest.param(select_orchestrator, select_orchestrator, "office", id="stacks beside stacks"),
    ],
)
def test_neither_service_sees_changes_or_cleans_what_the_other_one_has_made(
    project: SharedProject, first_engine: SelectEngine, second_engine: SelectEngine, second_cluster: str
) -> None:
    with project.serve("first", first_engine) as first, project.serve("second", second_engine) as second:
        own = create(first, "shop")
        others = create(second, second_cluster)

        assert [each.name for each in first.intake.clusters()] == ["shop"]
        assert [each.name for each in second.intake.clusters()] == [second_cluster]
        assert audit_twice(first) == audit_twice(second) == []
        check_instances(first, "shop", own, others)
        check_instances(second, second_cluster, others, own)

        kept = delete_and_keep(second, second_cluster)
        assert {each.cloud_id for each in kept} == list_ids(first.observe()) & others
        assert audit_twice(first) == []
        check_foreign_clean(first, second_cluster, kept)

        done = second.carry_out(Clean, cluster=second_cluster, findings=tuple(each.id for each in kept))
        assert {*done.result.values()} == {"deleted"}, done
        assert own <= list_ids(first.observe())
        assert not others & list_ids(first.observe())
        renewed = first.carry_out(RenewInstance, instance="Slave0000")
        assert renewed.state is OperationState.DONE, renewed
        assert audit_twice(first) == audit_twice(second) == []


def check_instances(manager: ServedEngines, cluster: str, own: set[str], others: set[str]) -> None:
    """Check that a service shows what it has made, at rest, and nothing of the other one."""
    instances = manager.intake.instances(cluster)
    groups = manager.intake.security_groups(cluster)

    shown = {each.id for each in groups}
    for each in instances:
        assert (str(each.state), each.drift) == ("ready", ())
        shown |= {each.server_id, each.volume_id, each.port_id}
    assert shown - {""} <= own  # of a stack on a subnet Nova makes the ports
    assert not shown & others
    assert [each.drift for each in groups] == [()] * len(groups)


def delete_and_keep(manager: ServedEngines, cluster: str) -> Sequence[AuditFinding]:
    """Delete the cluster without its volumes, and return what an audit finds."""
    deleted = manager.carry_out(DeleteCluster, cluster=cluster, volumes=VolumeFate.KEEP)
    assert deleted.state is OperationState.DONE, deleted
    kept = audit_twice(manager)
    assert [each.kind for each in kept] == [FindingKind.KEPT_VOLUME] * 2
    return kept


def check_foreign_clean(manager: ServedEngines, cluster: str, kept: Sequence[AuditFinding]) -> None:
    """Check that an order to clean what another service has found deletes nothing."""
    before = list_ids(manager.observe())
    try:
        done = manager.carry_out(Clean, cluster=cluster, findings=tuple(each.id for each in kept))
    except OrderRefused as refused:
        assert refused.code == "invalid", "only the findings of another engine are refused at once"
    else:
        assert all(outcome.startswith("skipped") for outcome in done.result.values()), done
    assert list_ids(manager.observe()) == before


def test_a_stack_of_another_service_is_neither_taken_nor_touched(project: SharedProject) -> None:
    with (
        project.serve("first", select_orchestrator) as first,
        project.serve("second", select_orchestrator) as second,
    ):
        create(first, "shop")
        before = list_ids(first.observe())

        created = second.carry_out(CreateCluster, description=LONE_SOURCE)
        registered = second.carry_out(RegisterCluster)
        with pytest.raises(OrderRefused) as deleted:
            second.carry_out(DeleteCluster, volumes=VolumeFate.DELETE)
        with pytest.raises(OrderRefused) as owner:
            second.intake.owner("shop")

        assert (get_refusal(created), get_refusal(registered)) == ("exists", "two_owners")
        assert (deleted.value.code, owner.value.code) == ("not_found", "unknown_owner")
        assert (second.intake.clusters(), audit_twice(second), audit_twice(first)) == ((), [], [])
        assert list_ids(first.observe()) == before
        assert [str(each.state) for each in first.intake.instances("shop")] == ["ready"] * 2


def test_a_service_with_a_new_store_takes_nothing_for_left_over(project: SharedProject) -> None:
    with (
        project.serve("natives", select_natives) as natives,
        project.serve("stacks", select_orchestrator) as stacks,
    ):
        create(natives, "shop")
        create(stacks, "office")
        stacks.carry_out(DeleteCluster, cluster="office", volumes=VolumeFate.KEEP)

    with (
        project.serve("later-natives", select_natives) as later_natives,
        project.serve("later-stacks", select_orchestrator) as later_stacks,
    ):
        assert audit_twice(later_natives) == audit_twice(later_stacks) == []
