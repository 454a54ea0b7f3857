"""The memory store and the store in a file answer every sequence of calls alike."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from guestagent.errors import OrderRefused
from guestagent.resources.operation import Operation, OperationState
from guestagent.resources.orders import CreateCluster, RestartInstance
from guestagent.resources.store.memory_store import MemoryStore
from guestagent.resources.store.protocol import ClusterLease, LeaseLost, OrderStore
from guestagent.resources.store.records import ClusterChange, ClusterSnapshot, SignalEntry
from guestagent.resources.store.store_clock import ManualClock
from tests.support.store_contract.opened_store import accept_all, build_record
from tests.support.store_files import open_file

CLUSTERS = ("shop", "other")
INSTANCES = ("Master0000", "Slave0000")
ANSWERS = (LeaseLost, OrderRefused, ValueError)


class StoreModel(RuleBasedStateMachine):
    """Two stores on one clock. What one calls an id, the other may call otherwise: request ids name operations."""

    def __init__(self) -> None:
        super().__init__()
        self.exits = ExitStack()
        folder = Path(self.exits.enter_context(tempfile.TemporaryDirectory()))
        self.clock = ManualClock()
        self.memory = MemoryStore(self.clock)
        self.file = self.exits.enter_context(open_file(folder / "private" / "store.db", self.clock))
        self.leases: list[tuple[ClusterLease, ClusterLease]] = []

    def teardown(self) -> None:
        self.exits.close()

    @initialize()
    def create_cluster(self) -> None:
        self.accept("0", "shop", is_creation=True)

    @rule(number=st.sampled_from("01234567"), cluster=st.sampled_from(CLUSTERS), is_creation=st.booleans())
    def accept(self, number: str, cluster: str, *, is_creation: bool) -> None:
        order = (
            CreateCluster(request_id=number, cluster=cluster, description={})
            if is_creation
            else RestartInstance(request_id=number, cluster=cluster, instance="Master0000")
        )
        self.compare(lambda store: store.accept(order, "natives", accept_all))

    @rule(seconds=st.sampled_from([0.0, 1.0, 30.0, 121.0]))
    def pass_time(self, seconds: float) -> None:
        self.clock.sleep(seconds)

    @rule(step_s=st.sampled_from([-3600.0, 3600.0]))
    def set_wall_time(self, step_s: float) -> None:
        self.clock.set_wall_time(self.clock.read_wall_time() + step_s)

    @rule()
    def claim(self) -> None:
        lease, file_lease = self.memory.claim("worker"), self.file.claim("worker")
        assert (lease and lease.cluster) == (file_lease and file_lease.cluster)
        if lease is not None and file_lease is not None:
            self.leases.append((lease, file_lease))

    @rule(data=st.data(), state=st.sampled_from(OperationState), is_removed=st.booleans())
    def write(self, data: st.DataObject, state: OperationState, is_removed: bool) -> None:
        instance = data.draw(st.sampled_from(INSTANCES))
        attempts = data.draw(st.integers(0, 2))

        def write(lease: ClusterLease) -> None:
            operations = [queued.operation for queued in lease.read().queue[:1]]
            record = build_record(instance, lease.cluster, attempts=attempts)
            lease.write(
                ClusterChange(
                    wanted=str(attempts),
                    operations=tuple(replace(operation, state=state) for operation in operations),
                    resources=(record,) if attempts else (),
                    forgotten=() if attempts else (record.key,),
                    events=("written",),
                    is_removed=is_removed,
                )
            )

        self.use_lease(data, write)

    @rule(data=st.data(), pause_s=st.sampled_from([0.0, 10.0, 600.0]))
    def release(self, data: st.DataObject, pause_s: float) -> None:
        self.use_lease(data, lambda lease: lease.release(pause_s))

    @rule(data=st.data())
    def renew(self, data: st.DataObject) -> None:
        self.use_lease(data, lambda lease: lease.renew())

    @rule(data=st.data())
    def read(self, data: st.DataObject) -> None:
        self.use_lease(data, lambda lease: lease.read())

    @rule(
        cluster=st.sampled_from(CLUSTERS), instance=st.sampled_from(INSTANCES), generation=st.integers(1, 12)
    )
    def record_signal(self, cluster: str, instance: str, generation: int) -> None:
        signal = SignalEntry(instance=instance, generation=generation, is_success=True)
        self.compare(lambda store: store.record_signal(cluster, signal))
        self.compare(
            lambda store: store.record_contact(cluster, instance, generation % 3, f"10.0.0.{generation}")
        )

    @rule(cluster=st.sampled_from(CLUSTERS), place=st.integers(0, 8), is_retry=st.booleans())
    def note_wish(self, cluster: str, place: int, is_retry: bool) -> None:
        def note(store: OrderStore) -> Operation | None:
            operation_ids = [each.id for each in store.operations(cluster)][place : place + 1]
            return (store.retry if is_retry else store.cancel)(operation_ids[0] if operation_ids else "none")

        self.compare(note)

    @invariant()
    def check_contents(self) -> None:
        for cluster in CLUSTERS:
            self.compare(partial(look_at_cluster, cluster))
        for lease, file_lease in self.leases:
            assert lease.can_send() == file_lease.can_send()

    def use_lease(self, data: st.DataObject, use: Callable[[ClusterLease], object]) -> None:
        """Do the same with a lease of both stores, be it over or not."""
        if self.leases:
            leases = data.draw(st.sampled_from(self.leases))
            memory_answer, file_answer = (describe_answer(use, lease) for lease in leases)
            assert memory_answer == file_answer

    def compare(self, call: Callable[[OrderStore], object]) -> None:
        assert describe_answer(call, self.memory) == describe_answer(call, self.file)


def look_at_cluster(cluster: str, store: OrderStore) -> object:
    """Return all that can be seen of a cluster without a lease."""
    return store.read(cluster), tuple(store.operations(cluster)), store.events(cluster)


def describe_answer(call: Callable[[Any], object], argument: object) -> object:
    """Return the answer of a call without the ids that each store chooses."""
    try:
        return hide_ids(call(argument))
    except ANSWERS as error:
        return type(error), getattr(error, "code", "")


def hide_ids(value: object) -> object:
    """Return a value without ids that differ between stores."""
    if isinstance(value, Operation):
        return replace(value, id="")
    if isinstance(value, ClusterSnapshot):
        queue = tuple(replace(queued, operation=replace(queued.operation, id="")) for queued in value.queue)
        cluster, version = value.cluster, value.version
        version = None if version is None else version.removeprefix(cluster.id)
        return replace(value, cluster=replace(cluster, id=""), queue=queue, version=version)
    if isinstance(value, tuple):
        return [hide_ids(each) for each in value]
    return value


StoreModel.TestCase.settings = settings(max_examples=20, stateful_step_count=25)
TestStoreModel = StoreModel.TestCase
