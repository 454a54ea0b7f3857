"""Sends the requests of a round, one after the other: the intent is on the disk before each, its answer afterwards."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from guestagent.errors import CloudRequestRefused
from guestagent.resources.natives.answers import note_answer, note_refused_request
from guestagent.resources.natives.cloud_api import CloudApi
from guestagent.resources.natives.steps import SendRequest
from guestagent.resources.store.protocol import ClusterLease
from guestagent.resources.store.records import ClusterChange

LOG = logging.getLogger(__name__)


class CloudRequestSender:
    """Sends for the holder of a lease, in the round that was planned at `planned_at`, by the store's clock.

    `measure_elapsed_s` tells the seconds since then: earlier requests of the round may have taken long.
    """

    def __init__(
        self, cloud: CloudApi, lease: ClusterLease, planned_at: float, measure_elapsed_s: Callable[[], float]
    ) -> None:
        self._cloud, self._lease = cloud, lease
        self._planned_at, self._measure_elapsed_s = planned_at, measure_elapsed_s

    def send_all(self, steps: Sequence[SendRequest], retries: int) -> list[CloudRequestRefused]:
        """Send the requests and return the refusals that no record shows, after which there is no hurry.

        CloudUnreachable ends the round: what became of the request is found out by the next one.
        """
        refusals: list[CloudRequestRefused] = []
        for step in steps:
            if not self._lease.can_send():
                self._lease.renew()
            step = self._write_intent(step)
            if not self._lease.can_send():
                return refusals
            if (error := self._send(step, retries)) and not step.is_creation:
                refusals.append(error)
        return refusals

    def _write_intent(self, step: SendRequest) -> SendRequest:
        intent = step.intent
        if intent.intended_at == self._planned_at:
            intent = replace(intent, intended_at=self._read_now())
        self._lease.write(ClusterChange(resources=(intent,), events=(str(step),) if step.is_first else ()))
        return replace(step, intent=intent)

    def _send(self, step: SendRequest, retries: int) -> CloudRequestRefused | None:
        LOG.info("cluster %s: %s", self._lease.cluster, step)
        try:
            answer, error = self._cloud.send(step.request), None
            change = note_answer(step, answer, self._read_now())
        except CloudRequestRefused as refusal:
            change, error = note_refused_request(step, refusal, retries), refusal
            LOG.warning("cluster %s: %s: %s", self._lease.cluster, step, refusal)
        if change != ClusterChange():
            self._lease.write(change)
        return error

    def _read_now(self) -> float:
        """Return the present time of the store's clock."""
        return self._planned_at + self._measure_elapsed_s()
