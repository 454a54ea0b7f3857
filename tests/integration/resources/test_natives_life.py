"""A cluster of NATIVES on the embedded cloud: the store in a file, the service's threads, guests that signal."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from guestagent.embedded import Serving, serving
from guestagent.resources.operation import OperationState
from guestagent.resources.orders import CreateCluster, DeleteCluster, ResizeInstance, VolumeFate
from tests.support.natives_life import DESCRIPTION, live_through_all_orders
from tests.support.natives_manager import NativesManager, open_natives_manager

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def served() -> Iterator[Serving]:
    with serving() as served:
        yield served


@pytest.fixture(scope="module")
def manager(served: Serving, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NativesManager]:
    with open_natives_manager(served, tmp_path_factory.mktemp("manager")) as manager:
        yield manager


def test_a_cluster_lives_and_leaves_the_project_as_it_was(manager: NativesManager) -> None:
    live_through_all_orders(manager)


def test_a_resize_without_a_host_fails_by_name_and_keeps_the_flavor(manager: NativesManager) -> None:
    name = {"cluster": "rigid"}
    manager.carry_out(CreateCluster, **name, description={**DESCRIPTION, "replicas": 0})

    failed = manager.carry_out(ResizeInstance, **name, instance="Master0000", flavor="no-host")

    assert failed.state is OperationState.FAILED
    assert failed.refusal is not None
    assert failed.refusal.code == "no_capacity"
    assert {server.flavor for server in manager.observe().servers.values()} == {"m1.tiny"}
    kept = manager.carry_out(DeleteCluster, **name, volumes=VolumeFate.KEEP)
    assert kept.state is OperationState.DONE
    assert [volume.status for volume in manager.observe().volumes.values()] == ["available"]
