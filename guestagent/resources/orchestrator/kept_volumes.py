"""Searches for the data volumes that no stack uses any more. One look proves nothing: two of them decide."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from guestagent.controller.heat_api import Heat
from guestagent.controller.template.volume_resources import CLUSTER_KEY
from guestagent.resources.audit_look import group_ids, leave_unsettled
from guestagent.resources.natives.cloud_api import CloudApi, CloudObservation, CloudVolume
from guestagent.resources.orchestrator.stack_audit import list_kept_volumes, may_be_ours
from guestagent.resources.store.protocol import LookMemory
from guestagent.resources.store.records import ClusterSnapshot
from guestagent.resources.views import AuditFinding

VOLUME_LOOKS = "orchestrator-volumes"
"""The name of these looks in the store. A look at one cluster's volumes is none at its stack."""
NAMES_IN_REQUEST = 50
"""Stacks that one request asks for. A list of all is long, and may leave one out while it is read page by page."""


@dataclass(frozen=True, slots=True)
class KeptVolume:
    """A volume that this look shows as kept, and for how many seconds before it all looks have."""

    finding: AuditFinding
    age_s: float
    settle_s: float

    @property
    def is_settled(self) -> bool:
        return self.age_s >= self.settle_s

    @property
    def shown_finding(self) -> AuditFinding:
        """The finding as a caller is shown it."""
        return self.finding if self.is_settled else leave_unsettled(self.finding, self.age_s, self.settle_s)


class KeptVolumeSearch:
    """Compares the free volumes of a project with its stacks, and with earlier looks. `settle_s` is between two."""

    def __init__(
        self, heat: Heat, cloud: CloudApi, store_id: str, settle_s: float, looks: LookMemory
    ) -> None:
        self._heat, self._cloud, self._store_id = heat, cloud, store_id
        self._settle_s, self._looks = settle_s, looks

    def search_project(self, observed: CloudObservation, looked_at: float) -> tuple[KeptVolume, ...]:
        """Return the kept volumes of all clusters."""
        findings = self._list_findings(observed.volumes.values())
        ages = self._looks.note_looks(VOLUME_LOOKS, looked_at, group_ids(findings), is_whole=True)
        return self._build(findings, ages)

    def search_cluster(self, snapshot: ClusterSnapshot) -> tuple[KeptVolume, ...]:
        """Return the kept volumes of one cluster, for the holder of its lease."""
        name = snapshot.cluster.name
        volumes = self._cloud.observe().volumes.values()
        findings = self._list_findings(each for each in volumes if each.metadata.get(CLUSTER_KEY) == name)
        ids = {name: [each.id for each in findings]}
        ages = self._looks.note_looks(VOLUME_LOOKS, snapshot.now, ids, is_whole=False)
        return self._build(findings, ages)

    def _list_findings(self, volumes: Iterable[CloudVolume]) -> tuple[AuditFinding, ...]:
        free = [each for each in volumes if may_be_ours(self._store_id, each)]
        names = sorted({each.metadata.get(CLUSTER_KEY, "") for each in free} - {""})
        return tuple(list_kept_volumes(self._store_id, free, dict(self._read_used_ids(names))))

    def _read_used_ids(self, names: list[str]) -> Iterator[tuple[str, frozenset[str]]]:
        """Yield the ids of what each stack consists of, for those of these names that exist."""
        for start in range(0, len(names), NAMES_IN_REQUEST):
            asked = names[start : start + NAMES_IN_REQUEST]
            for stack in self._heat.stacks(*asked):
                if stack.name in asked:
                    yield stack.name, frozenset(each.id for each in self._heat.all_resources(stack))

    def _build(self, findings: Iterable[AuditFinding], ages: Mapping[str, float]) -> tuple[KeptVolume, ...]:
        return tuple(KeptVolume(each, ages[each.id], self._settle_s) for each in findings)
