"""The scenario of the resource manager's demo: databases on volumes without Heat, through the orders of their life."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_network

from guestagent.demo import checks
from guestagent.demo.checks import DemoResult, FailedNode
from guestagent.demo.protocols import (
    DemoEventHandler,
    DemoManager,
    DemoServer,
    InstanceChanged,
    ManagedDemoCloud,
    ProgressMessage,
)
from guestagent.demo.workload import ROW_INTERVAL_S, RowCounter, RowReader, RowWriter
from guestagent.embedded.openstack.neutron.network import SUBNET_ID
from guestagent.errors import DeadlineExceeded, GuestAgentError, OperationFailed
from guestagent.resources.operation import Operation, OperationState
from guestagent.resources.orders import (
    AddInstance,
    CreateCluster,
    DeleteCluster,
    Order,
    ResizeFailure,
    ResizeInstance,
    ResizeVolume,
    UpdateRuleCidr,
    VolumeFate,
)
from guestagent.resources.rule import build_rule
from guestagent.resources.views import InstanceState, InstanceView
from guestagent.retry import Clock

NATIVES, MIGRATION = "natives", "migration"
CLUSTER_NAME, NEW_CLUSTER_NAME = "demo", "next"
SOURCE, REPLICA = "Master0000", "Slave0000"
POLL_INTERVAL_S = 0.5
WAIT_TIMEOUT_S = 300.0
VOLUME_GIB, GROWN_GIB = 1, 2
OLD_NETWORK, NEW_NETWORK = ip_network("192.0.2.0/24"), ip_network("198.51.100.0/24")
DATABASE_PORT = 3306


def build_description(image: str) -> Mapping[str, object]:
    """Return the description of the first cluster: a source and a replica, each on a volume."""
    return {
        "image": image,
        "subnet": SUBNET_ID,
        "volume": {"size_gib": VOLUME_GIB},
        "source": {"flavor": "m1.medium"},
        "replicas": [{"flavor": "m1.tiny"}],
        "client_networks": [str(OLD_NETWORK)],
        "polling_interval": 1,
        "deadline": 60,
        "boot_allowance": 60,
    }


def run_managed_demo(
    cloud: ManagedDemoCloud,
    handle_event: DemoEventHandler,
    clock: Clock,
    *,
    engine: str,
    keep: bool = False,
    row_interval_s: float = ROW_INTERVAL_S,
) -> DemoResult:
    """Run the scenario with this engine, and return its result. After a problem, and with `keep`, the cluster stays."""
    with RowWriter(row_interval_s) as writer, RowCounter(cloud, handle_event) as counter:
        run = ManagedRun(cloud, clock, handle_event, writer, counter)
        try:
            if engine == MIGRATION:
                run.migrate(keep=keep)
            else:
                run.carry_out_all(engine, keep=keep)
        except GuestAgentError as error:
            return run.build_failure(error)
        return run.build_result()


@dataclass(slots=True)
class ManagedRun:
    """One run of the scenario, and its problems so far."""

    cloud: ManagedDemoCloud
    clock: Clock
    handle_event: DemoEventHandler
    writer: RowWriter
    row_counter: RowCounter
    problems: list[str] = field(default_factory=list)
    views: dict[str, InstanceView] = field(default_factory=dict)
    _manager: DemoManager | None = None

    @property
    def manager(self) -> DemoManager:
        assert self._manager is not None, "the service runs"
        return self._manager

    @contextmanager
    def open_manager(self, engine: str) -> Iterator[None]:
        """Run the service with this engine."""
        self._report(f"starting the resource manager with the engine {engine}")
        with self.cloud.open_manager(engine) as self._manager:
            yield

    def carry_out_all(self, engine: str, *, keep: bool) -> None:
        """Give the orders one after another, and check after each what it was given for."""
        with self.open_manager(engine):
            self.create_cluster()
            self.add_replica()
            self.grow_volume()
            self.move_rule()
            self.resize_replica(is_held=engine == NATIVES)
            self.compare_rows()
            if not (keep or self.problems):
                self.delete_cluster()

    def migrate(self, *, keep: bool) -> None:
        """Create a cluster without Heat, let the service go over to Heat, and use the old cluster beside a new one."""
        with self.open_manager(NATIVES):
            self.create_cluster()
        with self.open_manager(MIGRATION):
            self.check_owner(CLUSTER_NAME, NATIVES)
            self.grow_volume()
            self._report(f"ordering a new cluster, {NEW_CLUSTER_NAME}, while rows are written to the old one")
            description = {**build_description(self.cloud.image), "replicas": 0}
            self._carry_out(_build_order(CreateCluster, NEW_CLUSTER_NAME, description=description))
            self.check_owner(NEW_CLUSTER_NAME, "orchestrator")
            self.add_replica()
            self.compare_rows()
            if not (keep or self.problems):
                self._report(f"deleting {NEW_CLUSTER_NAME}")
                self._carry_out(_build_order(DeleteCluster, NEW_CLUSTER_NAME, volumes=VolumeFate.DELETE))
                self.delete_cluster()

    def check_owner(self, cluster: str, engine: str) -> None:
        """Check which engine has a cluster, and tell what shows it."""
        owner = self.manager.owner(cluster)
        self.problems += checks.check_owner(cluster, engine, owner.engine)
        self._report(f"{cluster} belongs to {owner.engine}: {'; '.join(owner.evidence)}")

    def create_cluster(self) -> None:
        """Create the cluster. Rows are written from the moment the source is ready, while the replica starts."""
        self._report(f"ordering a source and a replica, each on a volume of {VOLUME_GIB} GiB")
        self._carry_out(_build_order(CreateCluster, description=build_description(self.cloud.image)))
        self._check_acknowledged()

    def add_replica(self) -> None:
        self._report("ordering another replica, while rows are written")
        order = _build_order(AddInstance, flavor="m1.small", image=self.cloud.image, volume_gib=VOLUME_GIB)
        self._carry_out(order)
        self._check_acknowledged()

    def grow_volume(self) -> None:
        """Grow the volume of the source, online: nothing that writes notices it."""
        self._report(f"growing the source's volume to {GROWN_GIB} GiB, while rows are written")
        rows_before = self.writer.acknowledged_rows
        self._carry_out(_build_order(ResizeVolume, instance=SOURCE, size_gib=GROWN_GIB))
        proved = self.views[SOURCE].guest_volume_gib
        self.problems += checks.check_grown_volume(SOURCE, GROWN_GIB, proved)
        count = self.writer.acknowledged_rows - rows_before
        self._report(
            f"the source has proved a file system of {proved or 0:.1f} GiB; {count} rows written meanwhile"
        )

    def move_rule(self) -> None:
        """Give the rule of the clients another network. The new rule is in force before the old one goes."""
        self._report(f"moving the clients' rule from {OLD_NETWORK} to {NEW_NETWORK}")
        rule = build_rule(OLD_NETWORK, port_min=DATABASE_PORT)
        self._carry_out(_build_order(UpdateRuleCidr, group="database", rule=rule, network=NEW_NETWORK))

    def resize_replica(self, *, is_held: bool) -> None:
        """Give a replica another flavor. If `is_held`, Nova keeps the old one until the node has proved itself."""
        how = "; the move is confirmed when its node has proved itself" if is_held else ""
        self._report(f"resizing {REPLICA} from m1.tiny to m1.small{how}")
        failure = ResizeFailure.REVERT if is_held else ResizeFailure.KEEP
        self._carry_out(_build_order(ResizeInstance, instance=REPLICA, flavor="m1.small", on_failure=failure))
        self.problems += checks.check_flavor(REPLICA, "m1.small", self.views[REPLICA].flavor)

    def compare_rows(self) -> None:
        """Stop writing, and check that every replica gets exactly the rows of the source."""
        self.writer.stop()
        if self.writer.error:
            self.problems.append(f"writing ended: {self.writer.error}")
        self.problems += self._reader.find_differing_rows()
        self.row_counter.count_rows()
        self.problems += checks.check_instance_states(self.views.values())

    def delete_cluster(self) -> None:
        """Delete the cluster with its volumes, and check that nothing of it is left in the cloud."""
        self._report("deleting the cluster with its volumes")
        self._carry_out(_build_order(DeleteCluster, volumes=VolumeFate.DELETE))
        self.problems += checks.check_removed_servers(server.node for server in self.cloud.list_servers())
        self.problems += [f"left after the deletion: {finding.text}" for finding in self.manager.audit()]

    def build_result(self) -> DemoResult:
        return DemoResult(self.writer.acknowledged_rows, tuple(self.problems))

    def build_failure(self, error: GuestAgentError) -> DemoResult:
        """Return the result after an error, with the nodes that are not ready and the ends of their logs."""
        problems = (*self.problems, str(error))
        servers: dict[str, DemoServer] = {}
        with suppress(GuestAgentError):  # the cloud itself may be what has failed
            servers = {server.node: server for server in self.cloud.list_servers()}
        failed_nodes = tuple(
            FailedNode(
                view.name,
                view.detail or f"it is {view.state}",
                self.cloud.read_agent_log(servers[view.name]) if view.name in servers else (),
            )
            for view in self.views.values()
            if view.state is not InstanceState.READY
        )
        return DemoResult(
            self.writer.acknowledged_rows, problems, failed_nodes=failed_nodes, exit_code=error.exit_code
        )

    @property
    def _reader(self) -> RowReader:
        return RowReader(self.cloud, self.clock, SOURCE)

    def _report(self, text: str) -> None:
        self.handle_event(ProgressMessage(text))

    def _carry_out(self, order: Order) -> None:
        """Give an order, and return when it is done. Show meanwhile how the instances are."""
        operation = self.manager.submit(order)
        deadline = self.clock.now() + WAIT_TIMEOUT_S
        while not operation.state.is_final:
            if self.clock.now() > deadline:
                reason = operation.attention or operation.waiting_for or operation.step
                raise DeadlineExceeded(f"{order.kind} has not ended within {WAIT_TIMEOUT_S:.0f} s: {reason}")
            operation = self.manager.wait(operation.id, operation.sequence, POLL_INTERVAL_S)
            self._show_instances(has_attention=bool(operation.attention))
        _check_done(operation)

    def _show_instances(self, *, has_attention: bool) -> None:
        """Show the instances and their rows, and start to write when the source is ready.

        Between a request and its record a look may find a server that it does not know: that needs nobody's attention.
        """
        if not any(each.name == CLUSTER_NAME for each in self.manager.clusters()):
            return
        for view in self.manager.instances(CLUSTER_NAME):
            if view.state is InstanceState.ATTENTION and not has_attention:
                continue
            self.views[view.name] = view
            self.handle_event(InstanceChanged(view))
            if view.name == SOURCE and view.state is InstanceState.READY:
                self.writer.start(self.cloud.open_table(self._reader.find_source()))
        self.row_counter.count_rows()

    def _check_acknowledged(self) -> None:
        """Check that every node has the rows that were acknowledged until now."""
        acknowledged = self.writer.acknowledged_rows
        problems = self._reader.find_missing_rows(acknowledged)
        self.problems += problems
        if not problems:
            self._report(f"{acknowledged} acknowledged rows can be read on every node")


def _check_done(operation: Operation) -> None:
    if operation.state is OperationState.DONE:
        return
    refusal = operation.refusal
    code, reason = ("cancelled", "cancelled") if refusal is None else (refusal.code, refusal.message)
    raise OperationFailed(code, f"{operation.kind}: {reason}", {"id": operation.id})


def _build_order(order_type: type[Order], cluster: str = CLUSTER_NAME, **values: object) -> Order:
    build: Callable[..., Order] = order_type
    return build(request_id=str(uuid.uuid4()), cluster=cluster, **values)
