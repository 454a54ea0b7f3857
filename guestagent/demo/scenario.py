"""The scenario of the demo: create, grow, shrink, compare and delete a cluster, with the controller library only."""

from __future__ import annotations

from contextlib import closing
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
from guestagent.demo.seed_watch import SeedWatch
from guestagent.demo.workload import ROW_INTERVAL_S, CountingClock, RowCounter, RowReader, RowWriter
from guestagent.embedded.openstack.neutron.network import SUBNET_ID
from guestagent.errors import GuestAgentError
from guestagent.retry import Clock

STACK_NAME = "demo"
POLL_INTERVAL_S = 0.5
WAIT_TIMEOUT_S = 300.0  # longer than the nodes' own deadlines, so that they report the reason first


def build_demo_cluster(image: str) -> Cluster:
    """Return the initial cluster; all nodes have the same image."""
    return Cluster.new(
        source=Node(flavor="m1.medium", image=image),
        replicas=[Node(flavor="m1.small", image=image), Node(flavor="m1.tiny", image=image)],
        deadline=60,
        boot_allowance=60,
        polling_interval=1,
        dialect=Dialect.CFN,  # that of the original template
        subnet=SUBNET_ID,  # a real Heat needs it for an AWS::EC2::Instance, with Nova's API from 2.37 on
    )


def play(
    cloud: DemoCloud,
    handle_event: DemoEventHandler,
    clock: Clock,
    *,
    keep: bool = False,
    row_interval_s: float = ROW_INTERVAL_S,
    seed_mebibytes: int = 0,
) -> DemoResult:
    """Run the scenario, and return its result. After a problem, and with `keep`, the stack is not deleted.

    With `seed_mebibytes` the source gets so much data, and loses its binary logs, before a replica is added.
    """
    cluster = build_demo_cluster(cloud.image)
    with RowWriter(row_interval_s) as writer, RowCounter(cloud, handle_event) as counter:
        watch = SeedWatch(cloud, handle_event)
        stacks = Stacks(cloud.connect_heat(), CountingClock(clock, counter, watch), POLL_INTERVAL_S)
        reader = RowReader(cloud, clock, cluster.own_source.name)
        run = ScenarioRun(cloud, cluster, stacks, handle_event, writer, counter, reader, watch)
        try:
            run.launch_cluster()
            if seed_mebibytes:
                run.fill_source(seed_mebibytes)
            run.add_replica(is_seeded=bool(seed_mebibytes))
            run.remove_replica()
            run.compare_rows()
            if not (keep or run.problems):
                run.delete_stack()
        except GuestAgentError as error:
            return run.build_failure(error)
        return run.build_result()


@dataclass(slots=True)
class ScenarioRun:
    """One run of the scenario, and its problems so far."""

    cloud: DemoCloud
    cluster: Cluster
    stacks: Stacks
    handle_event: DemoEventHandler
    writer: RowWriter
    row_counter: RowCounter
    reader: RowReader
    seed_watch: SeedWatch
    problems: list[str] = field(default_factory=list)
    status: ClusterStatus | None = None

    def launch_cluster(self) -> None:
        """Create the stack. Rows are written from the moment the source is ready, while the replicas start."""
        source, flavors = self.cluster.own_source, ", ".join(node.flavor for node in self.cluster.replicas)
        self._report(f"launching a source ({source.flavor}) and its replicas ({flavors})")
        self._wait_for(self.stacks.create(STACK_NAME, self.cluster))
        self._check_acknowledged()

    def fill_source(self, mebibytes: int) -> None:
        """Store data on the source, and purge its binary logs."""
        self._report(f"storing {mebibytes} MiB on the source, and purging its binary logs")
        with closing(self.cloud.open_table(self.reader.find_source())) as table:
            table.fill(mebibytes)

    def add_replica(self, *, is_seeded: bool = False) -> None:
        """Add a replica, and check that the others receive rows in the meantime, and that it `is_seeded` if it must."""
        new_node = Node(flavor="m1.small", image=self.cloud.image)
        self._report(f"adding a replica ({new_node.flavor}) by a stack update, while rows are written")
        rows_before = self.writer.acknowledged_rows
        self._wait_for(self.stacks.change(STACK_NAME, lambda cluster: cluster.add_replica(new_node)))
        for node in self.cluster.replicas:
            self.problems += checks.check_new_rows(
                node.name, rows_before, self.row_counter.counts.get(node.name, 0)
            )
        if is_seeded:
            self.seed_watch.look()
            self.problems += checks.check_seeds(self.seed_watch.seeded_nodes)
        self._check_acknowledged()

    def remove_replica(self) -> None:
        """Remove a replica, and check that its server is deleted."""
        name = self.cluster.replicas[1].name
        self._report(f"removing {name} by a stack update, while rows are written")
        self._wait_for(self.stacks.change(STACK_NAME, lambda cluster: cluster.remove_replica(name)))
        self.problems += checks.check_removed_servers(
            server.node for server in self.cloud.list_servers() if server.node == name
        )
        self._check_acknowledged()

    def compare_rows(self) -> None:
        """Stop writing, and check that every replica gets exactly the rows of the source."""
        self.writer.stop()
        if self.writer.error:
            self.problems.append(f"writing ended: {self.writer.error}")
        self.problems += self.reader.find_differing_rows()
        self.row_counter.count_rows()
        self.status = self.stacks.status(STACK_NAME)
        self.problems += checks.check_node_states(self.status)
        self.problems += checks.check_dangerous_reads(self.cloud.list_dangerous_reads())

    def delete_stack(self) -> None:
        """Delete the stack, and check that every server is deleted."""
        self._report("deleting the stack")
        self._wait_for(self.stacks.delete(STACK_NAME))
        self.problems += checks.check_removed_servers(server.node for server in self.cloud.list_servers())

    def build_result(self) -> DemoResult:
        return DemoResult(self.writer.acknowledged_rows, tuple(self.problems), self.status)

    def build_failure(self, error: GuestAgentError) -> DemoResult:
        """Return the result after an error, with the details that a person needs to find its cause."""
        problems = (*self.problems, str(error))
        failed_nodes = find_failed_nodes(self.cloud, self.stacks, STACK_NAME)
        return DemoResult(self.writer.acknowledged_rows, problems, self.status, failed_nodes, error.exit_code)

    def _report(self, text: str) -> None:
        self.handle_event(ProgressMessage(text))

    def _wait_for(self, work: Work) -> None:
        if work.cluster:
            self.handle_event(ClusterChanged(work.cluster))
        self.stacks.wait(work, WAIT_TIMEOUT_S, self._handle_stack_event)

    def _handle_stack_event(self, event: Event) -> None:
        """Pass the event on, and start to write when the source becomes ready."""
        self.handle_event(event)
        is_ready = isinstance(event, NodeChanged) and event.state is NodeState.READY
        if is_ready and event.name == self.cluster.own_source.name:
            self.writer.start(self.cloud.open_table(self.reader.find_source()))

    def _check_acknowledged(self) -> None:
        """Check that every node has the rows that were acknowledged before the stack was complete."""
        acknowledged = self.writer.acknowledged_rows
        problems = self.reader.find_missing_rows(acknowledged)
        self.problems += problems
        if not problems:
            self._report(f"{acknowledged} acknowledged rows can be read on every node")
