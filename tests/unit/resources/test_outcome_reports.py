"""A worker's writes are reported when an operation begins or ends, and at no other time."""

from __future__ import annotations

from dataclasses import replace

from guestagent.errors import StorageError
from guestagent.resources.engine_selection import select_engine
from guestagent.resources.intake import OrderIntake
from guestagent.resources.operation import Operation, OperationState
from guestagent.resources.orders import CreateCluster
from guestagent.resources.outcome_reports import ReportingStore
from guestagent.resources.store.memory_store import MemoryStore
from guestagent.resources.store.records import ClusterChange
from guestagent.resources.work_loop import WorkLoop
from tests.support.orders import build_order
from tests.unit.resources.clusters import FakeEngine


def test_the_beginning_and_the_end_of_an_operation_are_reported() -> None:
    store, engine, reported = MemoryStore(), FakeEngine(), list[Operation]()
    engine.ends_operations = True
    OrderIntake(store, select_engine(engine)).submit(build_order(CreateCluster, description={"replicas": 0}))

    WorkLoop(ReportingStore(store, reported.append), {"fake": engine}, "worker").work_once()

    assert [each.state for each in reported] == [OperationState.RUNNING, OperationState.DONE]


def test_progress_is_not_reported() -> None:
    store, reported = MemoryStore(), list[Operation]()
    OrderIntake(store, select_engine(FakeEngine())).submit(
        build_order(CreateCluster, description={"replicas": 0})
    )
    lease = ReportingStore(store, reported.append).claim("worker")
    assert lease is not None
    operation = lease.read().queue[0].operation

    lease.write(ClusterChange(operations=(replace(operation, step="a step"),)))

    assert reported == []


def test_what_could_not_be_written_is_not_reported() -> None:
    store, engine, reported = MemoryStore(), FakeEngine(), list[Operation]()
    engine.error = StorageError("the disk is full")
    intake = OrderIntake(store, select_engine(engine))
    intake.submit(build_order(CreateCluster, description={"replicas": 0}))

    WorkLoop(ReportingStore(store, reported.append), {"fake": engine}, "worker").work_once()

    assert [each.state for each in reported] == [OperationState.RUNNING]
