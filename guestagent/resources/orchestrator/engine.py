"""The engine ORCHESTRATOR: one round for one cluster. It looks at the stack, decides, and sends one request at most."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic

from guestagent.controller.heat_api import Heat, Stack
from guestagent.controller.stack_reader import find_stack
from guestagent.resources.engine import Advance
from guestagent.resources.natives.cloud_api import CloudApi
from guestagent.resources.operation import OperationState
from guestagent.resources.orchestrator.kept_volumes import KeptVolumeSearch
from guestagent.resources.orchestrator.reader import OrchestratorReader
from guestagent.resources.orchestrator.recorded_heat import HeatRequestFailed
from guestagent.resources.orchestrator.stack_audit import ORCHESTRATOR
from guestagent.resources.orchestrator.stack_inventory import StackInventory
from guestagent.resources.orchestrator.stack_orders import FOLLOWER_ORDERS, STACK_ORDERS, apply_stack_order
from guestagent.resources.orchestrator.stack_reference import StackReference, load_reference
from guestagent.resources.orchestrator.stack_resources import StackResources
from guestagent.resources.orchestrator.stack_round import StackRound
from guestagent.resources.orchestrator.volume_cleaner import VolumeCleaner
from guestagent.resources.order_effects import check_findings
from guestagent.resources.orders import Clean, CreateCluster, Order
from guestagent.resources.source_directory import SourceDirectory
from guestagent.resources.store.protocol import ClusterLease, LookMemory
from guestagent.resources.store.records import ClusterChange, ClusterSnapshot
from guestagent.resources.views import AuditFinding, GroupView, InstanceView, PreflightFinding

REST_PAUSE_S = 60.0
"""Between two looks at a cluster for which there is nothing to do."""
DEFAULT_SETTLE_S = 120.0


class OrchestratorEngine:
    """Carries out orders by stacks of Heat. It remembers nothing. `cloud` is for what Heat does badly or not at all."""

    def __init__(
        self,
        heat: Heat,
        inventory: StackInventory,
        cloud: CloudApi,
        store_id: str,
        looks: LookMemory,
        sources: SourceDirectory,
        settle_s: float = DEFAULT_SETTLE_S,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._heat, self._cloud, self._store_id = heat, cloud, store_id
        self._sources, self._settle_s, self._clock = sources, settle_s, clock
        kept_volumes = KeptVolumeSearch(heat, cloud, store_id, settle_s, looks)
        self._reader = OrchestratorReader(heat, inventory, cloud, store_id, settle_s, looks, kept_volumes)
        self._cleaner = VolumeCleaner(cloud, kept_volumes.search_cluster)

    @property
    def name(self) -> str:
        return ORCHESTRATOR

    @property
    def orders(self) -> frozenset[str]:
        return STACK_ORDERS if self._sources.newest_key_id is not None else STACK_ORDERS - FOLLOWER_ORDERS

    def apply_order(self, wanted: str | None, order: Order) -> str | None:
        if isinstance(order, Clean):
            check_findings(order, ORCHESTRATOR)
            return wanted
        self._sources.check_followers(order)
        return apply_stack_order(wanted, order, self._sources)

    def advance(self, lease: ClusterLease, snapshot: ClusterSnapshot) -> Advance:
        """Do one round for a cluster. It may be killed anywhere: the next one starts from what it sees."""
        wanted = snapshot.cluster.wanted
        reference = None if wanted is None else load_reference(wanted)
        if snapshot.queue and snapshot.queue[0].operation.state is OperationState.RUNNING:
            if isinstance(snapshot.queue[0].order, Clean):
                return Advance(self._cleaner.advance(lease, snapshot))
            assert reference is not None, "an order that runs has written what it wants"
            resources = StackResources(self._heat, self._cloud, lease)
            round_ = StackRound(
                self._heat,
                self._cloud,
                resources,
                self._store_id,
                lease,
                self._settle_s,
                self._clock,
                self._sources,
            )
            try:
                return Advance(round_.run(snapshot, reference))
            except HeatRequestFailed as failure:
                raise failure.error from failure
        if snapshot.queue:
            return Advance(0)
        if reference is None or not reference.is_wanted:
            lease.write(ClusterChange(is_removed=True))
            return Advance(REST_PAUSE_S)
        return self._watch(lease, snapshot, reference)

    def list_instances(self, snapshot: ClusterSnapshot) -> Sequence[InstanceView]:
        return self._reader.list_instances(snapshot)

    def list_groups(self, snapshot: ClusterSnapshot) -> Sequence[GroupView]:
        return self._reader.list_groups(snapshot)

    def preflight(self, order: CreateCluster) -> Sequence[PreflightFinding]:
        return self._reader.preflight(order, self._sources.find_source(order))

    def audit(self, clusters: Sequence[ClusterSnapshot]) -> Sequence[AuditFinding]:
        return self._reader.audit(clusters)

    def find_evidence(self, cluster: str, snapshot: ClusterSnapshot | None) -> Sequence[str]:
        return self._reader.find_evidence(cluster, snapshot)

    def _watch(self, lease: ClusterLease, snapshot: ClusterSnapshot, reference: StackReference) -> Advance:
        """Look after a cluster for which nothing is ordered."""
        attention = describe_rest(reference, find_stack(self._heat, reference.name))
        if attention != snapshot.cluster.attention:
            lease.write(ClusterChange(attention=attention))
        return Advance(REST_PAUSE_S)


def describe_rest(reference: StackReference, stack: Stack | None) -> str:
    """Return what a person has to do for a cluster at rest, or ""."""
    if stack is None or stack.id != reference.stack_id:
        return f"stack {reference.name} is gone: delete the cluster, or unregister it"
    if stack.failed:
        return f"stack {stack.name} is {stack.status}: {stack.reason or 'Heat gives no reason'}"
    return ""
