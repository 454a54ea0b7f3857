"""A retry concerns operations that need a person, in Python as over RPC; all others are returned as they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from guestagent.resources.engine_selection import select_engine
from guestagent.resources.intake import OrderIntake
from guestagent.resources.interface import ResourceManager
from guestagent.resources.operation import OperationState
from guestagent.resources.orders import CreateCluster
from guestagent.resources.rpc.answers import answer_request
from guestagent.resources.rpc.client import ResourceClient
from guestagent.resources.store.memory_store import MemoryStore
from guestagent.resources.store.records import ClusterChange
from tests.support.orders import build_order
from tests.unit.resources.clusters import FakeEngine


class LocalSender:
    """A sender without a broker. What goes through it is JSON, as on the wire."""

    def __init__(self, manager: ResourceManager) -> None:
        self._manager = manager

    def send(self, method: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = json.loads(json.dumps(answer_request(self._manager, method, request)))
        return answer


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture(params=["Python", "RPC"])
def manager(store: MemoryStore, request: pytest.FixtureRequest) -> ResourceManager:
    intake = OrderIntake(store, select_engine(FakeEngine()))
    return intake if request.param == "Python" else ResourceClient(LocalSender(intake))


def have_operation(
    store: MemoryStore, manager: ResourceManager, state: OperationState, attention: str = ""
) -> str:
    operation = manager.submit(build_order(CreateCluster, description={"replicas": 1}))
    lease = store.claim("worker")
    assert lease is not None
    lease.write(ClusterChange(operations=(replace(operation, state=state, attention=attention),)))
    lease.release(60)
    return operation.id


def count_retries(store: MemoryStore) -> list[int]:
    snapshot = store.read("shop")
    assert snapshot is not None
    return [queued.retries for queued in snapshot.queue]


def test_an_operation_that_needs_a_person_is_tried_again(
    store: MemoryStore, manager: ResourceManager
) -> None:
    operation_id = have_operation(store, manager, OperationState.RUNNING, "the quota is used up")

    operation = manager.retry(operation_id)

    assert operation.needs_person
    assert count_retries(store) == [1]
    assert store.claim("worker") is not None


def test_an_operation_that_goes_on_by_itself_is_left_as_it_is(
    store: MemoryStore, manager: ResourceManager
) -> None:
    operation_id = have_operation(store, manager, OperationState.RUNNING)

    operation = manager.retry(operation_id)

    assert (operation.state, operation.needs_person) == (OperationState.RUNNING, False)
    assert count_retries(store) == [0]
    assert store.claim("worker") is None


@pytest.mark.parametrize("state", [state for state in OperationState if state.is_final])
def test_an_operation_that_has_ended_is_left_as_it_is(
    store: MemoryStore, manager: ResourceManager, state: OperationState
) -> None:
    operation_id = have_operation(store, manager, state)

    operation = manager.retry(operation_id)

    assert (operation.state, operation.needs_person) == (state, False)
