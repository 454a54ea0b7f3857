"""Answers what is asked of clusters: from the store, and from the engines that look into the cloud for it."""

from __future__ import annotations

from collections.abc import Sequence

from guestagent.errors import OrderRefused
from guestagent.resources.audit_look import build_unreadable_finding
from guestagent.resources.engine_selection import EngineSelection, require_reader
from guestagent.resources.operation import OperationState, RefusalCode
from guestagent.resources.orders import CreateCluster
from guestagent.resources.store.cluster_list import list_snapshots
from guestagent.resources.store.protocol import OrderStore
from guestagent.resources.store.records import ClusterSnapshot
from guestagent.resources.views import (
    AuditFinding,
    ClusterOwner,
    ClusterSummary,
    GroupView,
    InstanceView,
    PreflightFinding,
)


class ClusterQueries:
    """Reads, and changes nothing. Engines are called outside of the store's transactions.

    Raises OrderRefused; and what the store and the engines raise.
    """

    def __init__(self, store: OrderStore, engines: EngineSelection) -> None:
        self._store, self._engines = store, engines

    def list_summaries(self) -> Sequence[ClusterSummary]:
        return tuple(build_summary(snapshot) for snapshot in list_snapshots(self._store))

    def list_instances(self, cluster: str) -> Sequence[InstanceView]:
        snapshot = self.require_cluster(cluster)
        return self._engines.find_reader(snapshot).list_instances(snapshot)

    def list_groups(self, cluster: str) -> Sequence[GroupView]:
        snapshot = self.require_cluster(cluster)
        return self._engines.find_reader(snapshot).list_groups(snapshot)

    def find_owner(self, cluster: str) -> ClusterOwner:
        snapshot = self._store.read(cluster)
        evidence: dict[str, list[str]] = {}
        if snapshot is not None:
            evidence[snapshot.cluster.engine] = [
                f"the store has it as a cluster of {snapshot.cluster.engine}"
            ]
        for name, reader in self._engines.list_readers().items():
            if sentences := reader.find_evidence(cluster, snapshot):
                evidence.setdefault(name, []).extend(sentences)
        return choose_owner(cluster, evidence)

    def preflight(self, order: CreateCluster) -> Sequence[PreflightFinding]:
        """Return the problems of the order itself; if it has none, those that the cloud shows."""
        if self._store.read(order.cluster) is not None:
            return (PreflightFinding(RefusalCode.EXISTS, f"cluster {order.cluster} exists"),)
        engine = self._engines.find_engine(self._engines.new, order.cluster)
        try:
            engine.apply_order(None, order)
        except OrderRefused as error:
            code = RefusalCode(error.code)
            findings = tuple(PreflightFinding(code, str(each), each.path) for each in error.problems)
            return findings or (PreflightFinding(code, error.message),)
        return require_reader(engine).preflight(order)

    def audit(self) -> Sequence[AuditFinding]:
        """Return the findings of all engines, and the clusters that cannot be read."""
        snapshots = tuple(list_snapshots(self._store))
        findings = [
            build_unreadable_finding(each.cluster, each.unreadable) for each in snapshots if each.unreadable
        ]
        for reader in self._engines.list_readers().values():
            findings += reader.audit(snapshots)
        return sorted(findings, key=lambda each: (each.cluster, each.kind, each.resource, each.cloud_id))

    def require_cluster(self, cluster: str) -> ClusterSnapshot:
        """Return what the store knows of a cluster. Raise OrderRefused (`not_found`) if it has none of that name."""
        snapshot = self._store.read(cluster)
        if snapshot is None:
            raise OrderRefused(RefusalCode.NOT_FOUND, f"there is no cluster {cluster}")
        return snapshot


def build_summary(snapshot: ClusterSnapshot) -> ClusterSummary:
    """Return a cluster as a list shows it."""
    operations = [queued.operation for queued in snapshot.queue]
    running = [each for each in operations if each.state is OperationState.RUNNING]
    return ClusterSummary(
        name=snapshot.cluster.name,
        engine=snapshot.cluster.engine,
        running=running[0].kind if running else "",
        waiting=len(operations) - len(running),
        attention=snapshot.unreadable or snapshot.cluster.attention,
    )


def choose_owner(cluster: str, evidence: dict[str, list[str]]) -> ClusterOwner:
    """Return the only engine with evidence. Raise OrderRefused for none, or for several."""
    if not evidence:
        raise OrderRefused(
            RefusalCode.UNKNOWN_OWNER,
            f"nothing shows who owns cluster {cluster}: it is not in the store, and nothing in the cloud has its mark",
        )
    if len(evidence) > 1:
        claims = "; ".join(f"{engine}: {', '.join(each)}" for engine, each in sorted(evidence.items()))
        raise OrderRefused(RefusalCode.TWO_OWNERS, f"cluster {cluster} has two owners: {claims}")
    ((engine, sentences),) = evidence.items()
    return ClusterOwner(engine, tuple(sentences))
