"""Creations that the cloud answers late, and reads from a database node that is behind: nothing is made twice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from guestagent.resources.natives.cloud_api import (
    CloudAnswer,
    CloudObservation,
    CloudPort,
    CloudServer,
    CloudVolume,
)
from guestagent.resources.natives.cluster_view import STALE_READ_S
from guestagent.resources.natives.requests import CloudRequest, CreatePort, CreateServer, CreateVolume
from guestagent.resources.operation import OperationState
from guestagent.resources.orders import CreateCluster
from guestagent.resources.store.store_clock import ManualClock
from tests.support.orders import build_order
from tests.unit.resources.natives.invariants import find_differences
from tests.unit.resources.natives.worlds import KillableCloud, Killer, World

ANSWER_S = 30.0
LAG_S = STALE_READ_S - 2


class SlowCloud(KillableCloud):
    """A cloud that answers creations of one type late, and shows what they made only when its lag is over."""

    def __init__(self, killer: Killer, clock: ManualClock, slow_type: type[CloudRequest]) -> None:
        super().__init__(killer)
        self._clock, self._slow_type = clock, slow_type
        self._visible_from: dict[str, float] = {}

    def send(self, request: CloudRequest) -> CloudAnswer:
        if isinstance(request, self._slow_type):
            self._clock.sleep(ANSWER_S)
        answer = super().send(request)
        if isinstance(request, self._slow_type):
            self._visible_from[answer.cloud_id] = self._clock.now() + LAG_S
        return answer

    def observe(self) -> CloudObservation:
        seen = super().observe()
        return replace(
            seen,
            servers={key: each for key, each in seen.servers.items() if self._is_visible(key)},
            volumes={key: each for key, each in seen.volumes.items() if self._is_visible(key)},
            ports={key: each for key, each in seen.ports.items() if self._is_visible(key)},
        )

    def get_server(self, server_id: str) -> CloudServer | None:
        return super().get_server(server_id) if self._is_visible(server_id) else None

    def get_volume(self, volume_id: str) -> CloudVolume | None:
        return super().get_volume(volume_id) if self._is_visible(volume_id) else None

    def get_port(self, port_id: str) -> CloudPort | None:
        return super().get_port(port_id) if self._is_visible(port_id) else None

    def _is_visible(self, cloud_id: str) -> bool:
        return self._clock.now() >= self._visible_from.get(cloud_id, 0.0)


@pytest.mark.parametrize("slow_type", [CreateServer, CreateVolume, CreatePort])
def test_a_404_soon_after_a_late_answer_is_not_believed(slow_type: type[CloudRequest]) -> None:
    world = World()
    world.cloud = SlowCloud(world.killer, world.clock, slow_type)
    world.loop = world.start_worker()

    operation = world.run(build_order(CreateCluster, description={"replicas": 0}))

    assert operation.state is OperationState.DONE, operation
    assert world.count_requests(slow_type) == 1
    assert find_differences(world) == []
