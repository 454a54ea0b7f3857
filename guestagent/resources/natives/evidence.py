"""What in the cloud shows that NATIVES owns a cluster: servers, ports and groups with its marks. Pure."""

from __future__ import annotations

from guestagent.resources.natives.cloud_api import CloudObservation
from guestagent.resources.natives.cluster_view import list_marks
from guestagent.resources.store.records import ResourceKind

EVIDENT_KINDS = (ResourceKind.SERVER, ResourceKind.PORT, ResourceKind.GROUP)
"""Of a deleted cluster data volumes may be kept: they show nothing."""


def list_evidence(store_id: str, cluster: str, observed: CloudObservation) -> tuple[str, ...]:
    """Return one sentence for each kind of resource that has the marks of this store and a cluster of this name."""
    ids = {kind: list[str]() for kind in EVIDENT_KINDS}
    for cloud_id, mark in list_marks(observed):
        if mark.store_id == store_id and mark.key.cluster == cluster and mark.key.kind in ids:
            ids[mark.key.kind].append(cloud_id)
    return tuple(
        f"{len(found)} {kind}{'s' if len(found) > 1 else ''} marked for it: {', '.join(sorted(found)[:3])}"
        for kind, found in ids.items()
        if found
    )
