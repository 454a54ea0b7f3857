"""What NATIVES shows of its clusters: each call looks into the cloud once, and changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from guestagent.resources.natives.cloud_api import CloudApi
from guestagent.resources.natives.cloud_lookups import read_lookups
from guestagent.resources.natives.cluster_view import ClusterView, build_view
from guestagent.resources.natives.evidence import list_evidence
from guestagent.resources.natives.instance_views import build_group_views, build_instance_views
from guestagent.resources.store.records import ClusterSnapshot
from guestagent.resources.views import GroupView, InstanceView
from guestagent.resources.wanted_document import load_wanted


class NativesReader:
    """Reads a project for callers. Raises CloudUnreachable and CloudRefused."""

    def __init__(self, cloud: CloudApi, store_id: str) -> None:
        self._cloud, self._store_id = cloud, store_id

    def list_instances(self, snapshot: ClusterSnapshot) -> Sequence[InstanceView]:
        view = self._look(snapshot)
        return () if view is None else build_instance_views(view)

    def list_groups(self, snapshot: ClusterSnapshot) -> Sequence[GroupView]:
        view = self._look(snapshot)
        return () if view is None else build_group_views(view)

    def find_evidence(self, cluster: str) -> Sequence[str]:
        return list_evidence(self._store_id, cluster, self._cloud.observe())

    def _look(self, snapshot: ClusterSnapshot) -> ClusterView | None:
        """Return the view of a cluster; None of one of which nothing is wanted yet."""
        if snapshot.cluster.wanted is None:
            return None
        wanted = load_wanted(snapshot.cluster.wanted)
        view = build_view(self._store_id, wanted, snapshot, self._cloud.observe())
        return replace(view, lookups=read_lookups(self._cloud, view))
