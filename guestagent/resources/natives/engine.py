"""The engine NATIVES: one round for one cluster. It observes once, decides, writes, and sends what was decided."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from time import monotonic

from guestagent.resources.engine import Advance
from guestagent.resources.natives.absence import SETTLE_S, Absence, update_absences
from guestagent.resources.natives.act import CloudRequestSender
from guestagent.resources.natives.auditor import NativesAuditor
from guestagent.resources.natives.cleaner import NativesCleaner
from guestagent.resources.natives.cloud_api import CloudApi
from guestagent.resources.natives.cloud_lookups import read_lookups
from guestagent.resources.natives.cluster_view import ClusterView, build_view
from guestagent.resources.natives.lookups import list_missing
from guestagent.resources.natives.marks import ENGINE_NAME
from guestagent.resources.natives.pauses import choose_pause
from guestagent.resources.natives.preflight import find_preflight_problems
from guestagent.resources.natives.reader import NativesReader
from guestagent.resources.natives.requests import CreateServer
from guestagent.resources.natives.round_change import build_change
from guestagent.resources.natives.round_plan import plan_round
from guestagent.resources.natives.sightings import update_sightings
from guestagent.resources.natives.steps import SendRequest
from guestagent.resources.natives.usage import note_usage
from guestagent.resources.operation import OperationState
from guestagent.resources.order_effects import ReadDescription, apply_order, check_findings
from guestagent.resources.order_shapes import ORDER_TYPES
from guestagent.resources.orders import Clean, CreateCluster, Order, RegisterCluster, UnregisterCluster
from guestagent.resources.source_directory import SourceDirectory
from guestagent.resources.store.protocol import ClusterLease, LookMemory
from guestagent.resources.store.records import ClusterChange, ClusterSnapshot, ResourceKey
from guestagent.resources.views import AuditFinding, GroupView, InstanceView, PreflightFinding
from guestagent.resources.wanted import WantedCluster, WantedInstance
from guestagent.resources.wanted_document import dump_wanted, load_wanted
from guestagent.secret import Secret

BuildUserData = Callable[[WantedCluster, WantedInstance], Secret]
EMPTY_PAUSE_S = 60.0


class NativesEngine:
    """Brings clusters to what is wanted with Nova, Cinder and Neutron alone.

    It remembers only what it has seen, and what it did not find: another worker has to look for itself.
    """

    def __init__(
        self,
        cloud: CloudApi,
        store_id: str,
        build_user_data: BuildUserData,
        read_description: ReadDescription,
        looks: LookMemory,
        sources: SourceDirectory,
        clock: Callable[[], float] = monotonic,
        settle_s: float = SETTLE_S,
    ) -> None:
        self._cloud, self._store_id, self._settle_s = cloud, store_id, settle_s
        self._build_user_data, self._clock = build_user_data, clock
        self._read_description, self._sources = read_description, sources
        self._reader = NativesReader(cloud, store_id)
        self._auditor = NativesAuditor(cloud, store_id, settle_s, looks)
        self._cleaner = NativesCleaner(cloud, self._auditor)
        self._absences: dict[str, dict[ResourceKey, Absence]] = {}
        self._sightings: dict[str, dict[str, float]] = {}

    @property
    def name(self) -> str:
        return ENGINE_NAME

    @property
    def orders(self) -> frozenset[str]:
        return frozenset(ORDER_TYPES) - {RegisterCluster.kind, UnregisterCluster.kind}

    def apply_order(self, wanted: str | None, order: Order) -> str | None:
        if isinstance(order, Clean):
            check_findings(order, ENGINE_NAME)
            return wanted
        self._sources.check_followers(order)
        before = None if wanted is None else load_wanted(wanted)
        newest_key = self._sources.newest_key_id or ""
        return dump_wanted(apply_order(before, order, self._read_description, newest_key))

    def advance(self, lease: ClusterLease, snapshot: ClusterSnapshot) -> Advance:
        """Do one round for a cluster. It may be killed anywhere: the next one starts from what it sees."""
        started_at = self._clock()
        first = next(iter(snapshot.queue), None)
        if (
            first is not None
            and first.operation.state is OperationState.RUNNING
            and isinstance(first.order, Clean)
        ):
            return self._cleaner.advance(lease, snapshot, first)
        if snapshot.cluster.wanted is None:
            return self._remove_empty_cluster(lease, snapshot)
        wanted = load_wanted(snapshot.cluster.wanted)
        if not wanted.instances and not wanted.groups and not snapshot.queue and not snapshot.resources:
            return self._remove_empty_cluster(lease, snapshot)
        observed = self._cloud.observe()
        view = self._look_up(build_view(self._store_id, wanted, snapshot, observed, self._settle_s))
        view, newly_used = note_usage(view)
        plan = plan_round(view)
        change = build_change(view, snapshot, plan, newly_used)
        if change is not None:
            lease.write(change)
            if change.is_removed:
                self._forget(wanted.name)
        requests = [step for step in plan.steps if isinstance(step, SendRequest)]
        sender = CloudRequestSender(self._cloud, lease, snapshot.now, lambda: self._clock() - started_at)
        retries = 0 if view.running is None else view.running.retries
        refusals = sender.send_all([self._add_user_data(wanted, step) for step in requests], retries)
        return Advance(choose_pause(view, plan, has_refusals=bool(refusals)))

    def list_instances(self, snapshot: ClusterSnapshot) -> Sequence[InstanceView]:
        return self._reader.list_instances(snapshot)

    def list_groups(self, snapshot: ClusterSnapshot) -> Sequence[GroupView]:
        return self._reader.list_groups(snapshot)

    def preflight(self, order: CreateCluster) -> Sequence[PreflightFinding]:
        wanted = apply_order(None, order, self._read_description)
        return find_preflight_problems(wanted, self._cloud.read_inventory())

    def audit(self, clusters: Sequence[ClusterSnapshot]) -> Sequence[AuditFinding]:
        return self._auditor.audit(clusters)

    def find_evidence(self, cluster: str, snapshot: ClusterSnapshot | None) -> Sequence[str]:
        return self._reader.find_evidence(cluster)

    def _look_up(self, view: ClusterView) -> ClusterView:
        """Read by id what the lists leave open, and count this look at what is missing."""
        lookups = read_lookups(self._cloud, view)
        name = view.wanted.name
        if view.observed.is_complete:
            missing = list_missing(view)
            self._absences[name] = update_absences(
                self._absences.get(name, {}), missing, view.now, self._settle_s
            )
        view = replace(view, lookups=lookups, absences=self._absences.get(name, {}))
        self._sightings[name] = update_sightings(view, self._sightings.get(name, {}))
        return replace(view, sightings=self._sightings[name])

    def _forget(self, cluster: str) -> None:
        self._absences.pop(cluster, None)
        self._sightings.pop(cluster, None)

    def _add_user_data(self, wanted: WantedCluster, step: SendRequest) -> SendRequest:
        if not isinstance(step.request, CreateServer):
            return step
        instance = wanted.find_instance(step.intent.key.instance)
        assert instance is not None, "only a wanted instance gets a server"
        user_data = self._build_user_data(wanted, instance)
        return replace(step, request=replace(step.request, user_data=user_data))

    def _remove_empty_cluster(self, lease: ClusterLease, snapshot: ClusterSnapshot) -> Advance:
        """Remove the row of a cluster whose creation has never begun, or whose deletion left it for a later order."""
        self._forget(snapshot.cluster.name)
        if not snapshot.queue and not snapshot.resources:
            lease.write(ClusterChange(is_removed=True))
        return Advance(EMPTY_PAUSE_S)
