"""What the audits of all engines share: complete looks, clusters that cannot be read, second looks. Pure."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Protocol

from guestagent.errors import CloudUnreachable
from guestagent.resources.natives.cloud_api import CloudObservation
from guestagent.resources.store.records import ClusterRecord, ClusterSnapshot
from guestagent.resources.store.unreadable_record import UnreadableRecord
from guestagent.resources.views import AuditFinding, FindingKind, build_finding_id

NAME_LIMIT = 64
"""Characters of a name that a store can keep. A stack with our mark may have a longer one: somebody has copied it."""


class FoundThing(Protocol):
    """What an audit has found, with its id and the cluster that it belongs to."""

    @property
    def id(self) -> str: ...
    @property
    def cluster(self) -> str: ...


def require_complete(observed: CloudObservation) -> CloudObservation:
    """Return the observation. Raise CloudUnreachable if a list is incomplete: nobody can say what is missing then."""
    if not observed.is_complete:
        raise CloudUnreachable(
            "a part of Nova does not answer, so its lists are incomplete: audit again later"
        )
    return observed


def find_unreadable_reason(snapshot: ClusterSnapshot, load: Callable[[str], object]) -> str:
    """Return why a cluster cannot be read, or "". `load` reads its engine's document of what is wanted."""
    if snapshot.unreadable or snapshot.cluster.wanted is None:
        return snapshot.unreadable
    try:
        load(snapshot.cluster.wanted)
    except UnreadableRecord as error:
        return str(error)
    return ""


def list_unreadable_documents(
    clusters: Iterable[ClusterSnapshot], load: Callable[[str], object]
) -> Iterator[AuditFinding]:
    """Yield a finding for each of an engine's clusters whose document cannot be read."""
    for snapshot in clusters:
        if not snapshot.unreadable and (reason := find_unreadable_reason(snapshot, load)):
            yield build_unreadable_finding(snapshot.cluster, reason)


def build_unreadable_finding(cluster: ClusterRecord, reason: str) -> AuditFinding:
    """Return the finding of a cluster that cannot be read."""
    return AuditFinding(
        id=build_finding_id(cluster.engine, "cluster", cluster.id, reason),
        kind=FindingKind.UNREADABLE,
        resource="cluster",
        cloud_id="",
        cluster=cluster.name,
        text=f"nothing of cluster {cluster.name} was compared: {reason}",
    )


def group_ids(found: Iterable[FoundThing]) -> Mapping[str, list[str]]:
    """Return the ids of what was found, by cluster. A name that is too long for a store is replaced by its digest."""
    ids: defaultdict[str, list[str]] = defaultdict(list)
    for each in found:
        is_long = len(each.cluster) > NAME_LIMIT
        name = hashlib.sha256(each.cluster.encode()).hexdigest() if is_long else each.cluster
        ids[name].append(each.id)
    return ids


def leave_unsettled(finding: AuditFinding, age_s: float, settle_s: float) -> AuditFinding:
    """Return a finding as a caller is shown it before the second look, which comes `settle_s` after the first."""
    later = f"; if it is still so in {settle_s - age_s:.0f} s, it is a finding: {finding.kind}"
    return replace(finding, kind=FindingKind.UNSETTLED, text=finding.text + later, is_cleanable=False)
