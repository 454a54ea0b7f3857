"""Carries out an order to clean, under the lease of its cluster. Killed anywhere, it looks again and goes on."""

from __future__ import annotations

import logging
from dataclasses import replace

from guestagent.errors import CloudRequestRefused
from guestagent.resources.engine import Advance
from guestagent.resources.natives.auditor import NativesAuditor
from guestagent.resources.natives.clean_plan import (
    DELETED,
    REQUESTED,
    CleaningPlan,
    note_refusal,
    plan_cleaning,
)
from guestagent.resources.natives.cloud_api import CloudApi
from guestagent.resources.operation import Operation, OperationState
from guestagent.resources.orders import Clean
from guestagent.resources.store.protocol import ClusterLease
from guestagent.resources.store.records import ClusterChange, ClusterSnapshot, QueuedOperation

LOG = logging.getLogger(__name__)


class NativesCleaner:
    """Deletes what an audit has found, and looks again before each deletion."""

    def __init__(self, cloud: CloudApi, auditor: NativesAuditor) -> None:
        self._cloud, self._auditor = cloud, auditor

    def advance(self, lease: ClusterLease, snapshot: ClusterSnapshot, running: QueuedOperation) -> Advance:
        """Do one round of a running order to clean."""
        operation = running.operation
        if running.is_cancelled:
            lease.write(ClusterChange(operations=(_end(operation, OperationState.CANCELLED, snapshot.now),)))
            return Advance(0.0)
        plan = self._plan(snapshot, operation, running.order)
        if plan.is_over:
            done = replace(_end(operation, OperationState.DONE, snapshot.now), result=plan.result)
            skipped = sorted(each for each in plan.result.items() if each[1] != DELETED)
            events = tuple(f"clean {finding_id}: {outcome}" for finding_id, outcome in skipped)
            lease.write(ClusterChange(operations=(done,), events=events))
            return Advance(0.0)
        operation = self._note(lease, operation, plan)
        self._send(lease, operation, plan)
        return Advance(plan.pause_s)

    def _plan(self, snapshot: ClusterSnapshot, operation: Operation, order: object) -> CleaningPlan:
        assert isinstance(order, Clean)
        observed = self._cloud.observe()
        suspects = self._auditor.list_suspects(snapshot, observed) if observed.is_complete else ()
        started_at = snapshot.now if operation.started_at is None else operation.started_at
        elapsed_s = snapshot.now - started_at
        return plan_cleaning(
            order.findings, operation.result, suspects, observed, elapsed_s, self._auditor.settle_s
        )

    def _note(self, lease: ClusterLease, operation: Operation, plan: CleaningPlan) -> Operation:
        """Write the requests down before they are sent."""
        step = next((deletion.text for deletion in plan.deletions.values()), operation.step)
        noted = replace(operation, result=plan.result, waiting_for=plan.waiting_for, step=step)
        events = tuple(
            deletion.text
            for finding_id, deletion in plan.deletions.items()
            if operation.result.get(finding_id) != REQUESTED
        )
        if noted != operation:
            lease.write(ClusterChange(operations=(noted,), events=events))
        return noted

    def _send(self, lease: ClusterLease, operation: Operation, plan: CleaningPlan) -> None:
        result = dict(operation.result)
        for finding_id, deletion in plan.deletions.items():
            if not lease.can_send():
                lease.renew()
            if not lease.can_send():
                return
            LOG.info("cluster %s: clean %s: %s", lease.cluster, finding_id, deletion.text)
            try:
                self._cloud.send(deletion.request)
            except CloudRequestRefused as error:
                result[finding_id] = note_refusal(error.message)
        if result != operation.result:
            lease.write(ClusterChange(operations=(replace(operation, result=result),)))


def _end(operation: Operation, state: OperationState, now: float) -> Operation:
    return replace(operation, state=state, ended_at=now, waiting_for="", step="")
