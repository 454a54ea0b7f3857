"""Carries out an order to clean: deletes volumes that were kept, by the findings' ids. Killed anywhere, it goes on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from guestagent.errors import CloudRequestRefused
from guestagent.resources.natives.cloud_api import CloudApi
from guestagent.resources.natives.volume_deletion import build_named_deletion
from guestagent.resources.operation import Operation, OperationState
from guestagent.resources.orchestrator.kept_volumes import KeptVolume
from guestagent.resources.orders import Clean
from guestagent.resources.store.protocol import ClusterLease
from guestagent.resources.store.records import ClusterChange, ClusterSnapshot

LOG = logging.getLogger(__name__)
CLEAN_PAUSE_S = 2.0
LONGEST_CLEAN_PAUSE_S = 30.0
DELETED = "deleted"
CHANGED = "skipped: it is gone, or it has changed since: audit again"
UNMARKED = "skipped: it does not have the mark of this store"
REQUESTED = "requested: "
"""The outcome of a finding whose volume is being deleted, followed by its id."""
SearchCluster = Callable[[ClusterSnapshot], Sequence[KeptVolume]]


class VolumeCleaner:
    """Deletes volumes under the lease of the cluster that had them. The operation's result is its memory."""

    def __init__(self, cloud: CloudApi, search_cluster: SearchCluster) -> None:
        self._cloud, self._search_cluster = cloud, search_cluster

    def advance(self, lease: ClusterLease, snapshot: ClusterSnapshot) -> float:
        """Do one round of the running order. Return the seconds until the next."""
        queued = snapshot.queue[0]
        assert isinstance(queued.order, Clean), "no other order cleans"
        kept = {each.finding.id: each for each in self._search_cluster(snapshot)}
        operation, result = queued.operation, dict(queued.operation.result)
        unsettled: list[KeptVolume] = []
        for finding_id in queued.order.findings:
            volume, outcome = kept.get(finding_id), result.get(finding_id, "")
            if volume is not None and not outcome and volume.finding.is_cleanable and not volume.is_settled:
                unsettled.append(volume)
            else:
                result[finding_id] = self._look_again(outcome, volume)
        requested = {name for name, outcome in result.items() if outcome.startswith(REQUESTED)}
        if queued.is_cancelled or not (requested or unsettled):
            return _end(lease, snapshot, replace(operation, result=result))
        operation = replace(operation, result=result, waiting_for=_describe_wait(unsettled, requested))
        if operation != queued.operation:
            lease.write(ClusterChange(operations=(operation,)))
        doomed = {name: kept[name].finding.cloud_id for name in requested & kept.keys()}
        refusals = self._delete(lease, doomed)
        if refusals:
            lease.write(ClusterChange(operations=(replace(operation, result={**result, **refusals}),)))
        return CLEAN_PAUSE_S if requested else _choose_pause(unsettled)

    def _look_again(self, outcome: str, volume: KeptVolume | None) -> str:
        """Return what becomes of a finding. `volume` is None if it is not as it was found any more."""
        if outcome.startswith(REQUESTED):
            is_gone = self._cloud.get_volume(outcome.removeprefix(REQUESTED)) is None
            return DELETED if is_gone else outcome
        if outcome:
            return outcome
        if volume is None:
            return CHANGED
        return f"{REQUESTED}{volume.finding.cloud_id}" if volume.finding.is_cleanable else UNMARKED

    def _delete(self, lease: ClusterLease, doomed: Mapping[str, str]) -> dict[str, str]:
        """Send the requests for the volumes that are there. Return the outcomes of those that are rejected."""
        refusals: dict[str, str] = {}
        for finding_id in sorted(doomed):
            lease.renew()
            if not lease.can_send():
                break
            LOG.info("cluster %s: clean %s: delete volume %s", lease.cluster, finding_id, doomed[finding_id])
            try:
                self._cloud.send(build_named_deletion(doomed[finding_id]))
            except CloudRequestRefused as error:
                refusals[finding_id] = f"skipped: the cloud refused: {error.message}"
        return refusals


def _end(lease: ClusterLease, snapshot: ClusterSnapshot, operation: Operation) -> float:
    """Write the end of the order, with what became of its findings."""
    state = OperationState.CANCELLED if snapshot.queue[0].is_cancelled else OperationState.DONE
    ended = replace(operation, state=state, ended_at=snapshot.now, waiting_for="")
    events = tuple(f"clean {name}: {outcome}" for name, outcome in sorted(operation.result.items()))
    lease.write(ClusterChange(operations=(ended,), events=events))
    return 0.0


def _describe_wait(unsettled: Sequence[KeptVolume], requested: set[str]) -> str:
    if requested:
        return "volumes are being deleted"
    return f"volume {unsettled[0].finding.cloud_id} was seen once: a second look decides"


def _choose_pause(unsettled: Sequence[KeptVolume]) -> float:
    """Return the seconds until the first of the volumes can be decided about, within limits."""
    remaining_s = min(each.settle_s - each.age_s for each in unsettled)
    return min(max(remaining_s, 1.0), LONGEST_CLEAN_PAUSE_S)
