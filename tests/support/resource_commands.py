"""`guestagent resources` on a resource manager in memory: a store, an engine without a cloud, and a worker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from unittest import mock

from guestagent.cli import command_line
from guestagent.cli.resource_commands import connection
from guestagent.errors import GuestAgentError
from guestagent.resources.engine_selection import select_engine
from guestagent.resources.intake import OrderIntake
from guestagent.resources.operation import Operation, OperationState
from guestagent.resources.orders import CreateCluster, Order
from guestagent.resources.store.memory_store import MemoryStore
from guestagent.resources.store.records import ClusterChange
from guestagent.resources.store.store_clock import ManualClock
from guestagent.resources.wanted_document import dump_wanted
from guestagent.resources.work_loop import WorkLoop
from tests.support.orders import build_order
from tests.unit.resources.clusters import FakeEngine, build_wanted


class WorkedManager(OrderIntake):
    """A manager whose worker does a round whenever somebody waits: no test waits itself.

    `silences` are raised by the next calls that wait, one by each. `after_submit` is raised when an order is accepted.
    """

    def __init__(self, store: MemoryStore, engine: FakeEngine) -> None:
        super().__init__(store, select_engine(engine))
        self._loop = WorkLoop(store, {engine.name: engine}, "worker")
        self.silences: list[BaseException] = []
        self.after_submit: BaseException | None = None

    def submit(self, order: Order) -> Operation:
        operation = super().submit(order)
        if self.after_submit is not None:
            raise self.after_submit
        return operation

    def wait(self, operation_id: str, after: int, up_to_s: float) -> Operation:
        if self.silences:
            raise self.silences.pop(0)
        self._loop.work_once()
        return super().wait(operation_id, after, 0)


class ResourceCommands:
    """Runs commands. `shop` is a cluster with one replica, which exists."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.store, self.engine = MemoryStore(self.clock), FakeEngine()
        self.engine.ends_operations = True
        self.manager = WorkedManager(self.store, self.engine)

    def make_cluster(self, name: str = "shop") -> None:
        """Have a cluster with one replica, whose creation is done."""
        order = build_order(CreateCluster, name, request_id=f"create-{name}", description={"replicas": 1})
        operation = self.manager.submit(order)
        self.write(name, replace(operation, state=OperationState.DONE, started_at=1.0, ended_at=2.0))

    def write(self, cluster: str, operation: Operation) -> None:
        """Write an operation as a worker does."""
        lease = self.store.claim("worker")
        assert lease is not None
        lease.write(ClusterChange(wanted=dump_wanted(build_wanted(1, cluster)), operations=(operation,)))
        lease.release(0)

    def run(self, *words: str) -> int:
        """Run a command of `guestagent resources` and return its exit code."""
        with connect_to_manager(self.manager):
            return command_line.main(["resources", *words])


@contextmanager
def connect_to_manager(manager: OrderIntake | GuestAgentError) -> Iterator[None]:
    """Let commands reach this manager, or fail with this error, whatever their options name.

    It is patched in, because a command can only reach a manager that a file names.
    """

    @contextmanager
    def open_manager(args: object) -> Iterator[OrderIntake]:
        if isinstance(manager, GuestAgentError):
            raise manager
        yield manager

    with mock.patch.object(connection, "open_manager", open_manager):
        yield


def build_operation(state: OperationState = OperationState.RUNNING, **values: object) -> Operation:
    """Return an operation of the cluster shop, as the manager answers."""
    operation = Operation(
        id="an-id",
        request_id="renew",
        cluster="shop",
        kind="renew_instance",
        state=state,
        sequence=2,
        accepted_at=1_800_000_000.0,
    )
    return replace(operation, **values)  # type: ignore[arg-type]
