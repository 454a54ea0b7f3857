"""The audit of NATIVES: one look at the project, compared with all clusters of the store, and with earlier looks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from guestagent.resources.audit_look import (
    find_unreadable_reason,
    group_ids,
    leave_unsettled,
    list_unreadable_documents,
    require_complete,
)
from guestagent.resources.natives.cloud_api import CloudApi, CloudObservation
from guestagent.resources.natives.cloud_lookups import add_holders, read_missing
from guestagent.resources.natives.cluster_view import ClusterView, build_view
from guestagent.resources.natives.differences import list_differences
from guestagent.resources.natives.marks import ENGINE_NAME
from guestagent.resources.natives.suspects import KnownClusters, Suspect, list_marked_suspects
from guestagent.resources.store.protocol import LookMemory
from guestagent.resources.store.records import ClusterSnapshot
from guestagent.resources.views import AuditFinding
from guestagent.resources.wanted_document import load_wanted


class NativesAuditor:
    """Compares the project with the store. `settle_s` is the time between two looks."""

    def __init__(self, cloud: CloudApi, store_id: str, settle_s: float, looks: LookMemory) -> None:
        self._cloud, self._store_id, self.settle_s = cloud, store_id, settle_s
        self._looks = looks

    def audit(self, clusters: Sequence[ClusterSnapshot]) -> Sequence[AuditFinding]:
        """Return the findings. Raise CloudUnreachable if a list is incomplete: then nobody can say what is missing."""
        looked_at = self._looks.read_time()
        observed = add_holders(self._cloud, require_complete(self._cloud.observe()))
        known = self._build_known(clusters, observed)
        suspects = [*list_marked_suspects(known, observed), *self._list_differences(known)]
        ages = self._looks.note_looks(ENGINE_NAME, looked_at, group_ids(suspects), is_whole=True)
        own = (each for each in clusters if each.cluster.engine == ENGINE_NAME)
        return (
            *(build_finding(each, ages[each.id], self.settle_s) for each in suspects),
            *list_unreadable_documents(own, load_wanted),
        )

    def list_suspects(
        self, snapshot: ClusterSnapshot, observed: CloudObservation
    ) -> tuple[tuple[Suspect, float], ...]:
        """Return the suspects of one cluster, for the holder of its lease, each with its age in seconds.

        Of other clusters of this name that there ever were, the store has nothing any more.
        """
        observed = add_holders(self._cloud, observed)
        known = self._build_known((snapshot,), observed)
        name = snapshot.cluster.name
        marked = list_marked_suspects(known, observed, name)
        suspects = [*marked, *self._list_differences(known)]
        ids = {name: [each.id for each in suspects]}
        ages = self._looks.note_looks(ENGINE_NAME, snapshot.now, ids, is_whole=False)
        return tuple((each, ages[each.id]) for each in suspects)

    def _list_differences(self, known: KnownClusters) -> Iterator[Suspect]:
        for view in known.views.values():
            yield from list_differences(replace(view, lookups=read_missing(self._cloud, view)))

    def _build_known(self, clusters: Sequence[ClusterSnapshot], observed: CloudObservation) -> KnownClusters:
        views: dict[str, ClusterView] = {}
        unreadable: set[str] = set()
        for snapshot in clusters:
            cluster = snapshot.cluster
            if cluster.engine != ENGINE_NAME:
                continue
            if find_unreadable_reason(snapshot, load_wanted):
                unreadable.add(cluster.id)
            elif cluster.wanted is not None:
                view = build_view(self._store_id, load_wanted(cluster.wanted), snapshot, observed)
                views[cluster.id] = view
        return KnownClusters(self._store_id, views, frozenset(unreadable))


def build_finding(suspect: Suspect, age_s: float, settle_s: float) -> AuditFinding:
    """Return a suspect as a caller is shown it. One that needs a second look is unsettled until then."""
    finding = AuditFinding(
        id=suspect.id,
        kind=suspect.kind,
        resource=suspect.resource,
        cloud_id=suspect.cloud_id,
        cluster=suspect.cluster,
        instance=suspect.instance,
        text=suspect.text,
        is_cleanable=suspect.is_cleanable,
    )
    is_settled = not suspect.needs_second_look or age_s >= settle_s
    return finding if is_settled else leave_unsettled(finding, age_s, settle_s)
