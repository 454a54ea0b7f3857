"""Any sequence of orders, faults, deaths and times ends with what was asked for, and no data is lost."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from guestagent.errors import OrderRefused
from guestagent.resources.natives.fake_faults import CloudFault, FaultKind
from guestagent.resources.natives.requests import CreateServer, DeleteVolume
from guestagent.resources.orders import DeleteCluster, DeleteInstance, Order, VolumeFate
from tests.support.orders import build_order
from tests.unit.resources.natives.invariants import find_differences, list_used_volumes
from tests.unit.resources.natives.scenarios import SCENARIOS
from tests.unit.resources.natives.strangers import DEEDS, disturb
from tests.unit.resources.natives.worlds import PATIENCE_S, World

pytestmark = pytest.mark.timeout(900)
LIMITS = [
    *("has_host", "has_other_host", "has_backend", "confirms_resizes", "fails_spawn", "fails_reboot"),
    *("fails_volume_growth", "fails_disk_growth", "fails_volume_deletion"),
]
SECONDS = st.sampled_from([0, 1, 2, 3, 5, 8, 13, 30, 130, 300])
ORDERS = sorted(set(SCENARIOS) - {"delete_cluster", "delete_cluster_keep"})


class RandomSchedule(RuleBasedStateMachine):
    """Two workers take turns, or overlap: one that lost its lease goes on with what it knows."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.other_loop = self.world.start_worker()
        self.deletable: set[str] = set()
        self.operations: list[str] = []

    @initialize(replicas=st.integers(0, 2))
    def create(self, replicas: int) -> None:
        self.world.create(replicas)

    @rule(name=st.sampled_from(ORDERS), seconds=SECONDS)
    def give_order(self, name: str, seconds: int) -> None:
        self.accept(SCENARIOS[name].build())
        self.world.live(seconds)

    @rule(names=st.lists(st.sampled_from(ORDERS), min_size=2, max_size=5), seconds=SECONDS)
    def give_orders(self, names: list[str], seconds: int) -> None:
        for name in names:
            self.accept(SCENARIOS[name].build())
        self.world.live(seconds)

    @rule(fate=st.sampled_from(VolumeFate), seconds=SECONDS)
    def delete_cluster(self, fate: VolumeFate, seconds: int) -> None:
        self.accept(build_order(DeleteCluster, volumes=fate))
        self.world.live(seconds)

    def accept(self, order: Order) -> None:
        """Give an order, and know which volumes it may delete."""
        if self.world.snapshot is None and order.kind != "create_cluster":
            return
        try:
            self.operations.append(self.world.submit(order))
        except OrderRefused:
            return
        if isinstance(order, DeleteCluster) and order.volumes is VolumeFate.DELETE:
            self.deletable = {"*"}
        if isinstance(order, DeleteInstance) and order.volume is VolumeFate.DELETE:
            self.deletable.add(order.instance)

    @rule(kind=st.sampled_from(FaultKind), times=st.integers(1, 2), ticks=st.integers(1, 100))
    def break_requests(self, kind: FaultKind, times: int, ticks: int) -> None:
        request_type = CreateServer if kind is FaultKind.LEAKED else None
        self.world.cloud.faults.append(CloudFault(kind, request_type, times, ticks))

    @rule(limit=st.sampled_from(LIMITS))
    def change_limit(self, limit: str) -> None:
        limits = self.world.cloud.project.limits
        setattr(limits, limit, not getattr(limits, limit))

    @rule(is_down=st.booleans(), is_cell_down=st.booleans(), is_stale=st.booleans())
    def change_lists(self, is_down: bool, is_cell_down: bool, is_stale: bool) -> None:
        cloud = self.world.cloud
        cloud.is_down, cloud.is_cell_down, cloud.is_stale = is_down, is_cell_down, is_stale

    @rule(boundary=st.integers(0, 12))
    def kill_soon(self, boundary: int) -> None:
        self.world.killer.deadly += (len(self.world.killer.passed) + boundary,)

    @rule()
    def change_workers(self) -> None:
        self.world.loop, self.other_loop = self.other_loop, self.world.loop

    @rule(number=st.integers(0, 20), is_retry=st.booleans())
    def wish(self, number: int, is_retry: bool) -> None:
        """Cancel or retry one of the operations."""
        for operation_id in self.operations[number : number + 1]:
            wish = self.world.store.retry if is_retry else self.world.store.cancel
            wish(operation_id)

    @rule(guest=st.sampled_from(["Master0000", "Slave0000"]), is_silent=st.booleans())
    def change_guest(self, guest: str, is_silent: bool) -> None:
        world = self.world
        (world.silent_guests.add if is_silent else world.silent_guests.discard)(guest)

    @rule(seconds=SECONDS)
    def live(self, seconds: int) -> None:
        self.world.live(seconds)

    @invariant()
    def no_volume_is_deleted_without_an_order(self) -> None:
        if "*" in self.deletable:
            return
        used = list_used_volumes(self.world)
        deleted = {
            request.volume_id for request in self.world.cloud.taken if isinstance(request, DeleteVolume)
        }
        assert not (deleted & used) or self.deletable

    @invariant()
    def no_volume_has_two_servers(self) -> None:
        volumes = [attachment.volume_id for attachment in self.world.cloud.project.attachments.values()]
        assert len(volumes) == len(set(volumes))

    def teardown(self) -> None:
        """Mend everything, ask for what was left undone again, and look at the end."""
        self.mend()
        self.finish_orders()
        assert not find_differences(self.world), [*find_differences(self.world), self.world.attention]

    def mend(self) -> None:
        """Take back every fault, and let the requests that are late take effect."""
        world = self.world
        world.cloud.faults.clear()
        world.cloud.is_down = world.cloud.is_cell_down = world.cloud.is_stale = False
        world.cloud.project.limits = type(world.cloud.project.limits)()
        world.silent_guests.clear()
        for volume in world.cloud.project.volumes.values():
            at_rest = "in-use" if world.cloud.project.list_attachments(volume.id) else "available"
            volume.status = at_rest if volume.status.startswith("error_") else volume.status
        world.live(LATE_S)

    def finish_orders(self) -> None:
        """Try again what waits, until nothing does."""
        world = self.world
        for _ in range(PATIENCE_S // 100):
            snapshot = world.snapshot
            if snapshot is None or not snapshot.queue:
                break
            world.store.retry(snapshot.queue[0].operation.id)
            world.live(100)
        world.live(100)
        snapshot = world.snapshot
        assert snapshot is None or not snapshot.queue, [queued.operation for queued in snapshot.queue]


class DisturbedSchedule(RandomSchedule):
    """The same with people who change resources by hand. What they damage can always be deleted by an order."""

    @rule(deed=st.sampled_from(sorted(DEEDS)), number=st.integers(0, 5), seconds=SECONDS)
    def disturb(self, deed: str, number: int, seconds: int) -> None:
        disturb(self.world, deed, number)
        self.world.live(seconds)

    def teardown(self) -> None:
        """Mend the cloud and delete the cluster: nothing of it remains, whatever people have done to it."""
        self.mend()
        if self.world.snapshot is not None:
            for queued in self.world.snapshot.queue:
                self.world.store.cancel(queued.operation.id)
            self.finish_orders()
        if self.world.snapshot is not None:
            self.accept(build_order(DeleteCluster, volumes=VolumeFate.DELETE))
            self.finish_orders()
        assert self.world.wanted is None
        assert not find_differences(self.world)


LATE_S = 130
EXAMPLES = int(os.environ.get("SCHEDULES", "30"))
SCHEDULE_SETTINGS = settings(
    max_examples=EXAMPLES,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestRandomSchedules = RandomSchedule.TestCase
TestRandomSchedules.settings = SCHEDULE_SETTINGS
TestDisturbedSchedules = DisturbedSchedule.TestCase
TestDisturbedSchedules.settings = SCHEDULE_SETTINGS
