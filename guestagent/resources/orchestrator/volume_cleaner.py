"""Carries out an order to clean: deletes volumes that were kept, by the findings' ids. Killed anywhere, it goes on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from guestagent.errors import CloudRequestRefused
from guestagent.resources.natives.cloud_api import CloudApi
from guestagent.resources.natives.volume_deletion import build_named_deletion
from guestagent.resources.operation import OperationState
from guestagent.resources.orders import Clean
from guestagent.resources.store.protocol import ClusterLease
from guestagent.resources.store.records import ClusterChange, ClusterSnapshot
from guestagent.resources.views import AuditFinding

LOG = logging.getLogger(__name__)
CLEAN_PAUSE_S = 2.0
DELETED = "deleted"
CHANGED = "skipped: it is gone, or it has changed since: audit again"
UNMARKED = "skipped: it does not have the mark of this store"
REQUESTED = "requested: "
"""The outcome of a finding whose volume is being deleted, followed by its id."""
ListKeptVolumes = Callable[[], Sequence[AuditFinding]]


class VolumeCleaner:
    """Deletes volumes under the lease of the cluster that had them. The operation's result is its memory."""

    def __init__(self, cloud: CloudApi, list_kept_volumes: ListKeptVolumes) -> None:
        self._cloud, self._list_kept_volumes = cloud, list_kept_volumes

    def advance(self, lease: ClusterLease, snapshot: ClusterSnapshot) -> float:
        """Do one round of the running order. Return the seconds until the next."""
        queued = snapshot.queue[0]
        assert isinstance(queued.order, Clean), "no other order cleans"
        found = {
            each.id: each for each in self._list_kept_volumes() if each.cluster == snapshot.cluster.name
        }
        kept = {name: each.cloud_id for name, each in found.items() if each.is_cleanable}
        operation, result = queued.operation, dict(queued.operation.result)
        for finding_id in queued.order.findings:
            result[finding_id] = self._look_again(result.get(finding_id, ""), found.get(finding_id))
        is_over = queued.is_cancelled or not any(each.startswith(REQUESTED) for each in result.values())
        if is_over:
            state = OperationState.CANCELLED if queued.is_cancelled else OperationState.DONE
            operation = replace(operation, state=state, ended_at=snapshot.now, waiting_for="")
            events = tuple(f"clean {name}: {outcome}" for name, outcome in sorted(result.items()))
            lease.write(ClusterChange(operations=(replace(operation, result=result),), events=events))
            return 0.0
        operation = replace(operation, result=result, waiting_for="volumes are being deleted")
        if operation != queued.operation:
            lease.write(ClusterChange(operations=(operation,)))
        requested = {name for name, outcome in result.items() if outcome.startswith(REQUESTED)}
        refusals = self._delete(lease, kept.keys() & requested, kept)
        if refusals:
            lease.write(ClusterChange(operations=(replace(operation, result={**result, **refusals}),)))
        return CLEAN_PAUSE_S

    def _look_again(self, outcome: str, finding: AuditFinding | None) -> str:
        """Return what becomes of a finding, which is None if its volume is not as it was found any more."""
        if outcome.startswith(REQUESTED):
            is_gone = self._cloud.get_volume(outcome.removeprefix(REQUESTED)) is None
            return DELETED if is_gone else outcome
        if outcome:
            return outcome
        if finding is None:
            return CHANGED
        return f"{REQUESTED}{finding.cloud_id}" if finding.is_cleanable else UNMARKED

    def _delete(self, lease: ClusterLease, finding_ids: set[str], kept: Mapping[str, str]) -> dict[str, str]:
        """Send the requests for the volumes that are there. Return the outcomes of those that are rejected."""
        refusals: dict[str, str] = {}
        for finding_id in sorted(finding_ids):
            lease.renew()
            if not lease.can_send():
                break
            LOG.info("cluster %s: clean %s: delete volume %s", lease.cluster, finding_id, kept[finding_id])
            try:
                self._cloud.send(build_named_deletion(kept[finding_id]))
            except CloudRequestRefused as error:
                refusals[finding_id] = f"skipped: the cloud refused: {error.message}"
        return refusals
