"""Decides how a data volume grows in Cinder, before the template says its new size."""

from __future__ import annotations

from guestagent.controller.hardware_api import HardwareVolume
from guestagent.controller.volume_growth import GROWTH_TIMEOUT_S, GrowthStep, choose_growth_step
from guestagent.errors import CloudRefused, InvalidCluster
from guestagent.resources.natives.volume_messages import choose_failure_code
from guestagent.resources.operation import RefusalCode
from guestagent.resources.orchestrator.stack_steps import (
    FailStackOperation,
    GrowStackVolume,
    NeedHelp,
    WaitForStack,
)
from guestagent.resources.store.records import ResourcePhase, ResourceRecord

GROWTH_PAUSE_S = 2.0
REQUEST_LATENCY_S = 120.0
"""For so long a request may be on its way; then Cinder has it, or never gets it."""
GROWTH_TRIES = 3

GrowthDecision = GrowStackVolume | WaitForStack | FailStackOperation | NeedHelp


def decide_growth(
    volume_id: str,
    volume: HardwareVolume | None,
    size_gib: int,
    record: ResourceRecord | None,
    started_at: float,
    now: float,
    failure: str = "",
) -> GrowthDecision | None:
    """Return the next step; None when Cinder shows the size. `record` is that of the last request, `started_at` when
    the operation began.

    `failure` is Cinder's reason if it has taken that request, and could not grow the volume.
    """
    name = f"data volume {volume_id}"
    if failure and volume is not None and volume.size_gib < size_gib:
        text = (
            f"{name} is {volume.status} with {volume.size_gib} GiB, and the stack was not updated: {failure}"
        )
        return FailStackOperation(choose_failure_code(failure), text)
    is_given_up = (
        record is not None
        and (record.attempts >= GROWTH_TRIES or record.phase is ResourcePhase.CREATED)
        and now >= record.intended_at + REQUEST_LATENCY_S
    )
    try:
        step = choose_growth_step(name, volume, size_gib, is_requested=is_given_up)
    except InvalidCluster as error:
        return FailStackOperation(RefusalCode.INVALID, str(error))
    except CloudRefused as error:
        return FailStackOperation(RefusalCode.REFUSED, str(error))
    if step is GrowthStep.NONE:
        return None
    if step is GrowthStep.WAIT:
        if now > (started_at if record is None else record.intended_at) + GROWTH_TIMEOUT_S:
            return NeedHelp(f"{name} is {volume and volume.status} for too long: look at Cinder")
        return WaitForStack(f"{name} is {volume and volume.status}", GROWTH_PAUSE_S)
    if record is not None and now < record.intended_at + REQUEST_LATENCY_S:
        return WaitForStack(f"Cinder has not begun to grow {name}", GROWTH_PAUSE_S)
    return GrowStackVolume(volume_id, size_gib, record)
