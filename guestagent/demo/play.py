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
from guestagent.demo import findings
from guestagent.demo.failing import failing
from guestagent.demo.findings import Findings
from guestagent.demo.rows import PACE, Reader, Watch, WatchfulClock, Writer
from guestagent.demo.stage import Act, Cast, Stage, Tell
from guestagent.embedded.compute import SUBNET_ID
from guestagent.errors import GuestAgentError
from guestagent.retry import Clock

STACK = "demo"
EVERY = 0.5  # seconds between two polls
WITHIN = 300.0  # longer than the nodes' own deadlines: they are the first to say that it is over, and why


def cast(image: str) -> Cluster:
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


def play(stage: Stage, tell: Tell, clock: Clock, *, keep: bool = False, pace: float = PACE) -> Findings:
    """All of it. What goes wrong is a finding, and leaves the stack as it then is; so does `keep`."""
    cluster = cast(stage.image)
    with Writer(pace) as writer, Watch(stage, tell) as watch:
        stacks = Stacks(stage.heat(), WatchfulClock(clock, watch), EVERY)
        reader = Reader(stage, clock, cluster.source.name)
        run = Performance(stage, cluster, stacks, tell, writer, watch, reader)
        try:
            run.launch()
            run.grow()
            run.shrink()
            run.rest()
            if not (keep or run.problems):
                run.delete()
        except GuestAgentError as error:
            return run.broken_off(error)
        return run.findings()


@dataclass(slots=True)
class Performance:
    """One play as it goes, and what did not hold so far."""

    stage: Stage
    cluster: Cluster
    stacks: Stacks
    tell: Tell
    writer: Writer
    watch: Watch
    reader: Reader
    problems: list[str] = field(default_factory=list)
    status: ClusterStatus | None = None

    def launch(self) -> None:
        """Rows are written as soon as the source is ready, so while the replicas come up."""
        flavors = ", ".join(node.flavor for node in self.cluster.replicas)
        self.tell(Act(f"launching a source ({self.cluster.source.flavor}) and its replicas ({flavors})"))
        self._follow(self.stacks.create(STACK, self.cluster))
        self._check_acknowledged()

    def grow(self) -> None:
        """One replica more; the others show meanwhile what is written meanwhile."""
        added = Node(flavor="m1.small", image=self.stage.image)
        self.tell(Act(f"adding a replica ({added.flavor}) by a stack update, while rows are written"))
        before = self.writer.acknowledged
        self._follow(self.stacks.change(STACK, lambda cluster: cluster.add_replica(added)))
        for node in self.cluster.replicas:
            self.problems += findings.unread(node.name, before, self.watch.counts.get(node.name, 0))
        self._check_acknowledged()

    def shrink(self) -> None:
        """One replica less."""
        leaving = self.cluster.replicas[1].name
        self.tell(Act(f"removing {leaving} by a stack update, while rows are written"))
        self._follow(self.stacks.change(STACK, lambda cluster: cluster.remove_replica(leaving)))
        self.problems += findings.left(
            server.node for server in self.stage.servers() if server.node == leaving
        )
        self._check_acknowledged()

    def rest(self) -> None:
        """Nobody writes any more: every replica becomes what the source is, to the row."""
        self.writer.stop()
        if self.writer.refusal:
            self.problems.append(f"writing ended: {self.writer.refusal}")
        self.problems += self.reader.differing()
        self.watch.look()
        self.status = self.stacks.status(STACK)
        self.problems += findings.unready(self.status)
        self.problems += findings.dangerous(self.stage.dangerous_reads())

    def delete(self) -> None:
        """The stack, and every server with it."""
        self.tell(Act("deleting the stack"))
        self._follow(self.stacks.delete(STACK))
        self.problems += findings.left(server.node for server in self.stage.servers())

    def findings(self) -> Findings:
        return Findings(self.writer.acknowledged, tuple(self.problems), self.status)

    def broken_off(self, error: GuestAgentError) -> Findings:
        """With what a person needs to find out why."""
        problems = (*self.problems, str(error))
        blamed = failing(self.stage, self.stacks, STACK)
        return Findings(self.writer.acknowledged, problems, self.status, blamed, error.exit_code)

    def _follow(self, work: Work) -> None:
        if work.cluster:
            self.tell(Cast(work.cluster))
        self.stacks.wait(work, WITHIN, self._heard)

    def _heard(self, event: Event) -> None:
        """Writing begins with the first word that the source is ready."""
        self.tell(event)
        ready = isinstance(event, NodeChanged) and event.state is NodeState.READY
        if ready and event.name == self.cluster.source.name:
            self.writer.start(self.stage.table(self.reader.source()))

    def _check_acknowledged(self) -> None:
        """What was acknowledged before the stack was said to be complete can be read on every node."""
        acknowledged = self.writer.acknowledged
        lost = self.reader.lacking(acknowledged)
        self.problems += lost
        if not lost:
            self.tell(Act(f"{acknowledged} acknowledged rows can be read on every node"))
