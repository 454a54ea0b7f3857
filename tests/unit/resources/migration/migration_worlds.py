"""A project in which NATIVES was at work first, and MIGRATION is now: both engines with killable workers."""

from __future__ import annotations

from guestagent.resources.engine import ResourceEngine
from guestagent.resources.engine_selection import EngineSelection, select_engine
from guestagent.resources.intake import OrderIntake
from guestagent.resources.natives.fake_project import FakeProject
from guestagent.resources.operation import Operation, OperationState
from guestagent.resources.orchestrator.engine import OrchestratorEngine
from guestagent.resources.orders import CreateCluster, Order
from guestagent.resources.source_directory import SourceDirectory
from guestagent.resources.work_loop import WorkLoop
from tests.support.orders import build_order
from tests.unit.resources.natives.scenarios import Scenario
from tests.unit.resources.natives.worlds import RING, World
from tests.unit.resources.orchestrator.stack_project import StackProject
from tests.unit.resources.orchestrator.stack_worlds import SETTLE_S, KillableHeat

STACK = "web"
STACK_DESCRIPTION: dict[str, object] = {
    "flavor": "m1.small",
    "image": "guestagent-mariadb",
    "network": "private",
    "dialect": "hot",
    "source": {},
    "replicas": 1,
}


class MigrationWorld(World):
    """The cluster `shop` is of NATIVES. After `switch` new clusters are stacks; `web` is one."""

    heat: KillableHeat
    is_switched = False

    def start_worker(self) -> WorkLoop:
        natives_loop = super().start_worker()
        if not hasattr(self, "heat"):
            self.heat = KillableHeat(self.killer)
        if not self.is_switched:
            self.selection = select_engine(self.engine)
            return natives_loop
        orchestrator = OrchestratorEngine(
            self.heat,
            StackProject(self.heat, FakeProject()),
            self.cloud,
            self.store.id,
            self.store,
            SourceDirectory(self.store, RING),
            SETTLE_S,
        )
        engines: dict[str, ResourceEngine] = {self.engine.name: self.engine, orchestrator.name: orchestrator}
        self.selection = EngineSelection("migration", engines, orchestrator.name)
        return WorkLoop(self.store, engines, "worker")

    @property
    def intake(self) -> OrderIntake:
        return OrderIntake(self.store, self.selection)

    def submit(self, order: Order) -> str:
        return self.intake.submit(order).id

    def switch(self) -> None:
        """End the service with NATIVES, and start one with MIGRATION."""
        self.is_switched = True
        self.loop = self.start_worker()

    def run_all(self, *orders: Order) -> list[Operation]:
        """Give orders for several clusters, and live until all have ended and everything is at rest."""
        ids = [self.submit(order) for order in orders[1:]]
        first = self.run(orders[0])
        for _ in range(500):
            if all(self.get_operation(each).state.is_final for each in ids):
                break
            self.live()
        return [first, *map(self.get_operation, ids)]

    def forget_history(self) -> None:
        self.killer.passed.clear()
        self.cloud.requests.clear()
        self.heat.accepted.clear()


def prepare_migration(scenario: Scenario) -> MigrationWorld:
    """Return a world in which an order to the old cluster can be given, beside a stack."""
    world = MigrationWorld()
    create: Order = build_order(CreateCluster, description={"replicas": scenario.replicas})
    for order in (create, *(build() for build in scenario.before)):
        assert world.run(order).state is OperationState.DONE
    world.switch()
    (created,) = world.run_all(build_order(CreateCluster, cluster=STACK, description=STACK_DESCRIPTION))
    assert created.state is OperationState.DONE, created
    if scenario.damage is not None:
        scenario.damage(world)
    world.forget_history()
    return world
