"""Since when a worker has seen the resources of a cluster: a later 404 is not the answer of a stale node. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from guestagent.resources.natives.cluster_view import ClusterView
from guestagent.resources.store.records import ResourceKind


def update_sightings(view: ClusterView, sightings: Mapping[str, float]) -> dict[str, float]:
    """Return by id when each recorded server, volume and port was first seen. Others are dropped."""
    find: Mapping[ResourceKind, Callable[[str], object]] = {
        ResourceKind.SERVER: view.get_server,
        ResourceKind.VOLUME: view.get_volume,
        ResourceKind.PORT: view.get_port,
    }
    updated = {}
    for record in view.records.values():
        if record.cloud_id is None or record.key.kind not in find:
            continue
        if record.cloud_id in sightings:
            updated[record.cloud_id] = sightings[record.cloud_id]
        elif find[record.key.kind](record.cloud_id) is not None:
            updated[record.cloud_id] = view.now
    return updated
