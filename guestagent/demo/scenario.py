"""The play: launch, grow, shrink, rest, delete. The stack is worked on by the controller's library alone."""

from __future__ import annotations

from dataclasses import dataclass, field

from guestagent.controller import (
    Cluster,
    ClusterStatus,
    Dialect,
    Event,
    Node,
    NodeChanged,
    NodeState,
    Stacks,
    Work,
)
from guestagent.demo import checks
from guestagent.demo.checks import DemoResult
from guestagent.demo.diagnostics import find_failed_nodes
from guestagent.demo.protocols import ClusterChanged, DemoCloud, DemoEventHandler, ProgressMessage
from guestagent.demo.workload import ROW_INTERVAL_S, CountingClock, RowCounter, RowReader, RowWriter
from guestagent.embedded.openstack.nova.servers import SUBNET_ID
from guestagent.errors import GuestAgentError
from guestagent.retry import Clock

STACK_NAME = "demo"
POLL_INTERVAL_S = 0.5  # seconds between two polls
WAIT_TIMEOUT_S = (
    300.0  # longer than the nodes' own deadlines: they are the first to say that it is over, and why
)


def build_demo_cluster(image: str) -> Cluster:
    """The cluster as it begins; `image` is every node's."""
    return Cluster.new(
        source=Node(flavor="m1.medium", image=image),
        replicas=[Node(flavor="m1.small", image=image), Node(flavor="m1.tiny", image=image)],
        deadline=60,
        boot_allowance=60,
        polling_interval=1,
        dialect=Dialect.CFN,  # the origin's
        subnet=SUBNET_ID,  # a real Heat makes no AWS::EC2::Instance without one, on a Nova from 2.37 on
    )


def play(
    stage: DemoCloud,
    tell: DemoEventHandler,
    clock: Clock,
    *,
    keep: bool = False,
    pace: float = ROW_INTERVAL_S,
) -> DemoResult:
    """All of it. What goes wrong is a finding, and leaves the stack as it then is; so does `keep`."""
    cluster = build_demo_cluster(stage.image)
    with RowWriter(pace) as writer, RowCounter(stage, tell) as watch:
        stacks = Stacks(stage.connect_heat(), CountingClock(clock, watch), POLL_INTERVAL_S)
        reader = RowReader(stage, clock, cluster.source.name)
        run = ScenarioRun(stage, cluster, stacks, tell, writer, watch, reader)
        try:
            run.launch_cluster()
            run.add_replica()
            run.remove_replica()
            run.compare_rows()
            if not (keep or run.problems):
                run.delete_stack()
        except GuestAgentError as error:
            return run.build_failure(error)
        return run.build_result()


@dataclass(slots=True)
class ScenarioRun:
    """One play as it goes, and what did not hold so far."""

    cloud: DemoCloud
    cluster: Cluster
    stacks: Stacks
    tell: DemoEventHandler
    writer: RowWriter
    row_counter: RowCounter
    reader: RowReader
    problems: list[str] = field(default_factory=list)
    status: ClusterStatus | None = None

    def launch_cluster(self) -> None:
        """Rows are written as soon as the source is ready, so while the replicas come up."""
        flavors = ", ".join(node.flavor for node in self.cluster.replicas)
        self.tell(
            ProgressMessage(f"launching a source ({self.cluster.source.flavor}) and its replicas ({flavors})")
        )
        self._follow(self.stacks.create(STACK_NAME, self.cluster))
        self._check_acknowledged()

    def add_replica(self) -> None:
        """One replica more; the others show meanwhile what is written meanwhile."""
        added = Node(flavor="m1.small", image=self.cloud.image)
        self.tell(
            ProgressMessage(f"adding a replica ({added.flavor}) by a stack update, while rows are written")
        )
        before = self.writer.acknowledged_rows
        self._follow(self.stacks.change(STACK_NAME, lambda cluster: cluster.add_replica(added)))
        for node in self.cluster.replicas:
            self.problems += checks.check_new_rows(
                node.name, before, self.row_counter.counts.get(node.name, 0)
            )
        self._check_acknowledged()

    def remove_replica(self) -> None:
        """One replica less."""
        leaving = self.cluster.replicas[1].name
        self.tell(ProgressMessage(f"removing {leaving} by a stack update, while rows are written"))
        self._follow(self.stacks.change(STACK_NAME, lambda cluster: cluster.remove_replica(leaving)))
        self.problems += checks.check_removed_servers(
            server.node for server in self.cloud.list_servers() if server.node == leaving
        )
        self._check_acknowledged()

    def compare_rows(self) -> None:
        """Nobody writes any more: every replica becomes what the source is, to the row."""
        self.writer.stop()
        if self.writer.error:
            self.problems.append(f"writing ended: {self.writer.error}")
        self.problems += self.reader.find_differing_rows()
        self.row_counter.count_rows()
        self.status = self.stacks.status(STACK_NAME)
        self.problems += checks.check_node_states(self.status)
        self.problems += checks.check_dangerous_reads(self.cloud.list_dangerous_reads())

    def delete_stack(self) -> None:
        """The stack, and every server with it."""
        self.tell(ProgressMessage("deleting the stack"))
        self._follow(self.stacks.delete(STACK_NAME))
        self.problems += checks.check_removed_servers(server.node for server in self.cloud.list_servers())

    def build_result(self) -> DemoResult:
        return DemoResult(self.writer.acknowledged_rows, tuple(self.problems), self.status)

    def build_failure(self, error: GuestAgentError) -> DemoResult:
        """With what a person needs to find out why."""
        problems = (*self.problems, str(error))
        blamed = find_failed_nodes(self.cloud, self.stacks, STACK_NAME)
        return DemoResult(self.writer.acknowledged_rows, problems, self.status, blamed, error.exit_code)

    def _follow(self, work: Work) -> None:
        if work.cluster:
            self.tell(ClusterChanged(work.cluster))
        self.stacks.wait(work, WAIT_TIMEOUT_S, self._heard)

    def _heard(self, event: Event) -> None:
        """Writing begins with the first word that the source is ready."""
        self.tell(event)
        ready = isinstance(event, NodeChanged) and event.state is NodeState.READY
        if ready and event.name == self.cluster.source.name:
            self.writer.start(self.cloud.open_table(self.reader.find_source()))

    def _check_acknowledged(self) -> None:
        """What was acknowledged before the stack was said to be complete can be read on every node."""
        acknowledged = self.writer.acknowledged_rows
        lost = self.reader.find_missing_rows(acknowledged)
        self.problems += lost
        if not lost:
            self.tell(ProgressMessage(f"{acknowledged} acknowledged rows can be read on every node"))
