"""Services of a cloud fail at random while a cluster lives: in the end there is exactly what was ordered."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import openstack
import pytest
from openstack.connection import Connection

from guestagent.embedded import Serving
from guestagent.resources.intake import OrderIntake
from guestagent.resources.natives.cloud_api import CloudObservation
from guestagent.resources.natives.openstack_project import OpenStackProject
from guestagent.resources.operation import Operation, OperationState
from guestagent.resources.orders import AddInstance, CreateCluster, DeleteCluster, Order, VolumeFate
from tests.support.fast_manager import FAST_SERVE, SPEED_VARIABLE
from tests.support.fast_service import open_fast_orders
from tests.support.killed_manager import (
    CHANGES,
    CREATION,
    check_everything_is_as_ordered,
    serving_guests,
)
from tests.support.orders import build_order
from tests.support.polling import wait_until
from tests.support.random_faults import RandomFaults
from tests.support.served_manager import serve_manager

SPEED = 8
"""So that a fault of half a second is shorter than the product expects of a cloud."""
TRIES = 5
WAITING_ORDERS = (CreateCluster, AddInstance, DeleteCluster)
"""They wait when the cloud refuses something, and `retry` lets them go on. Others fail at once, and are given again."""

pytestmark = pytest.mark.timeout(900)


class PatientCaller:
    """Somebody who follows the manual: retries what needs attention, and gives a failed order again."""

    def __init__(self, intake: OrderIntake) -> None:
        self.intake = intake
        self.refusals: list[str] = []

    def carry_out(self, order_type: type[Order], values: Mapping[str, Any]) -> None:
        for _ in range(TRIES):
            operation = self._await_end(self.intake.submit(build_order(order_type, **values)))
            if operation.state is OperationState.DONE:
                return
            self.refusals.append(f"{operation.kind}: {operation.refusal}")
            assert order_type not in WAITING_ORDERS, operation
        raise AssertionError(self.refusals)

    def _await_end(self, operation: Operation) -> Operation:
        while not operation.state.is_final:
            if operation.attention:
                self.refusals.append(f"{operation.kind}: {operation.attention}")
                self.intake.retry(operation.id)
            operation = self.intake.wait(operation.id, operation.sequence, 20)
        return operation


@pytest.fixture
def served() -> Iterator[Serving]:
    with serving_guests("natives") as served:
        yield served


@pytest.fixture
def connection(served: Serving) -> Iterator[Connection]:
    """The cloud as it is, when no fault is in the way."""
    with openstack.connect(**served.connect) as connection:
        yield connection


def list_ids(seen: CloudObservation) -> tuple[set[str], ...]:
    kinds = (seen.servers, seen.volumes, seen.ports, seen.groups, seen.server_groups)
    return (*(set(kind) for kind in kinds), {each.id for each in seen.attachments})


@pytest.mark.parametrize(
    "seed", [1, 2, *(pytest.param(seed, marks=pytest.mark.patient) for seed in range(3, 23))]
)
def test_random_faults_leave_exactly_what_was_ordered(
    served: Serving, connection: Connection, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SPEED_VARIABLE, str(SPEED))
    project = OpenStackProject(connection)
    before = list_ids(project.observe())
    with (
        serve_manager(tmp_path, served.connect, {"resources": "engine = natives"}, FAST_SERVE) as service,
        open_fast_orders(service) as intake,
    ):
        service.start()
        caller = PatientCaller(intake)
        with RandomFaults(served, seed) as faults:
            for order_type, values in (*CREATION, *CHANGES):
                caller.carry_out(order_type, values)
        seen = project.observe()
        with RandomFaults(served, -seed) as later_faults:
            caller.carry_out(DeleteCluster, {"volumes": VolumeFate.KEEP})
        kept, findings = project.observe(), intake.audit()

    sys.stdout.write(f"{faults.counts + later_faults.counts}; {caller.refusals}\n")
    check_everything_is_as_ordered(seen, 1)
    assert set(kept.volumes) == set(seen.volumes), "a data volume was deleted by no order"
    assert {finding.cloud_id for finding in findings} == set(kept.volumes), findings
    for volume_id in kept.volumes:
        connection.block_storage.delete_volume(volume_id)
    wait_until(lambda: list_ids(project.observe()) == before)
    assert faults.counts.total() > 0
