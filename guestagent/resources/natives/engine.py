"""The engine NATIVES: one round for one cluster. It observes once, decides, writes, and sends what was decided."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from time import monotonic

from guestagent.resources.engine import Advance
from guestagent.resources.natives.absence import Absence, update_absences
from guestagent.resources.natives.act import CloudRequestSender
from guestagent.resources.natives.cloud_api import CloudApi
from guestagent.resources.natives.cluster_view import CloudLookups, ClusterView, build_view
from guestagent.resources.natives.lookups import list_lookups, list_missing
from guestagent.resources.natives.marks import ENGINE_NAME
from guestagent.resources.natives.pauses import choose_pause
from guestagent.resources.natives.requests import CreateServer
from guestagent.resources.natives.round_change import build_change
from guestagent.resources.natives.round_plan import plan_round
from guestagent.resources.natives.steps import SendRequest
from guestagent.resources.natives.usage import note_usage
from guestagent.resources.order_shapes import ORDER_TYPES
from guestagent.resources.store.protocol import ClusterLease
from guestagent.resources.store.records import ClusterChange, ClusterSnapshot, ResourceKey
from guestagent.resources.wanted import WantedCluster, WantedInstance
from guestagent.resources.wanted_document import load_wanted
from guestagent.secret import Secret

BuildUserData = Callable[[WantedCluster, WantedInstance], Secret]
EMPTY_PAUSE_S = 60.0


class NativesEngine:
    """Brings clusters to what is wanted with Nova, Cinder and Neutron alone.

    It remembers nothing but what it did not find: another worker has to look twice again before it believes so, too.
    """

    def __init__(
        self,
        cloud: CloudApi,
        store_id: str,
        build_user_data: BuildUserData,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._cloud, self._store_id = cloud, store_id
        self._build_user_data, self._clock = build_user_data, clock
        self._absences: dict[str, dict[ResourceKey, Absence]] = {}

    @property
    def name(self) -> str:
        return ENGINE_NAME

    @property
    def orders(self) -> frozenset[str]:
        return frozenset(ORDER_TYPES)

    def advance(self, lease: ClusterLease, snapshot: ClusterSnapshot) -> Advance:
        """Do one round for a cluster. It may be killed anywhere: the next one starts from what it sees."""
        started_at = self._clock()
        if snapshot.cluster.wanted is None:
            return self._remove_empty_cluster(lease, snapshot)
        wanted = load_wanted(snapshot.cluster.wanted)
        if not wanted.instances and not wanted.groups and not snapshot.queue and not snapshot.resources:
            return self._remove_empty_cluster(lease, snapshot)
        view = self._look_up(build_view(self._store_id, wanted, snapshot, self._cloud.observe()))
        view, newly_used = note_usage(view)
        plan = plan_round(view)
        change = build_change(view, snapshot, plan, newly_used)
        if change is not None:
            lease.write(change)
            if change.is_removed:
                self._absences.pop(wanted.name, None)
        requests = [step for step in plan.steps if isinstance(step, SendRequest)]
        sender = CloudRequestSender(self._cloud, lease, snapshot.now, lambda: self._clock() - started_at)
        retries = 0 if view.running is None else view.running.retries
        refusals = sender.send_all([self._add_user_data(wanted, step) for step in requests], retries)
        return Advance(choose_pause(view, plan, has_refusals=bool(refusals)))

    def _look_up(self, view: ClusterView) -> ClusterView:
        """Read by id what the lists leave open, and count this look at what is missing."""
        needed = list_lookups(view)
        lookups = CloudLookups(
            servers={each: self._cloud.get_server(each) for each in sorted(needed.servers)},
            volumes={each: self._cloud.get_volume(each) for each in sorted(needed.volumes)},
            ports={each: self._cloud.get_port(each) for each in sorted(needed.ports)},
            actions={each: self._cloud.list_actions(each) for each in sorted(needed.actions)},
            messages={each: self._cloud.read_volume_message(each) for each in sorted(needed.messages)},
        )
        name = view.wanted.name
        if view.observed.is_complete:
            missing = list_missing(view)
            self._absences[name] = update_absences(self._absences.get(name, {}), missing, view.now)
        return replace(view, lookups=lookups, absences=self._absences.get(name, {}))

    def _add_user_data(self, wanted: WantedCluster, step: SendRequest) -> SendRequest:
        if not isinstance(step.request, CreateServer):
            return step
        instance = wanted.find_instance(step.intent.key.instance)
        assert instance is not None, "only a wanted instance gets a server"
        user_data = self._build_user_data(wanted, instance)
        return replace(step, request=replace(step.request, user_data=user_data))

    def _remove_empty_cluster(self, lease: ClusterLease, snapshot: ClusterSnapshot) -> Advance:
        """Remove the row of a cluster whose creation has never begun, or whose deletion left it for a later order."""
        self._absences.pop(snapshot.cluster.name, None)
        if not snapshot.queue and not snapshot.resources:
            lease.write(ClusterChange(is_removed=True))
        return Advance(EMPTY_PAUSE_S)
