"""Parts that several rows of the table of decisions share."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from guestagent.byte_units import GIB
from guestagent.resources.natives.cloud_api import ServerAction, VolumeAttachment
from guestagent.resources.orders import (
    ResizeFailure,
    ResizeInstance,
)
from guestagent.resources.store.records import ResourceKind, ResourcePhase, SignalEntry
from guestagent.resources.wanted import WantedCluster
from tests.support.orders import build_order
from tests.unit.resources.clusters import build_wanted
from tests.unit.resources.natives.decision_cases import (
    NAME,
    NOW,
    OPERATION_NUMBER,
    build_record,
    build_server,
    build_volume,
)

INTENDED, REFUSED, GONE = ResourcePhase.INTENDED, ResourcePhase.REFUSED, ResourcePhase.GONE
REFUSED_OUTRIGHT = ResourcePhase.REFUSED_OUTRIGHT
VOLUME, PORT, SERVER = ResourceKind.VOLUME, ResourceKind.PORT, ResourceKind.SERVER
SUCCESS = SignalEntry(instance=NAME, generation=1, is_success=True)
FAILURE = SignalEntry(instance=NAME, generation=1, is_success=False, reason="disk full")
BUILT: dict[str, Any] = {"server": build_record(SERVER), "cloud_volume": build_volume("in-use")}
USED: dict[str, Any] = {
    "server": build_record(SERVER, was_used=True),
    "volume": build_record(VOLUME, was_used=True),
}
RUNNING: dict[str, Any] = {**USED, "cloud_volume": build_volume("in-use"), "cloud_server": build_server()}
RESERVED = VolumeAttachment(id="attachment-1", volume_id="volume-1", server_id="server-1", status="reserved")
RESIZE = build_order(ResizeInstance, instance=NAME, flavor="m1.large")
KEEP = replace(RESIZE, on_failure=ResizeFailure.KEEP)


def want(**changes: Any) -> WantedCluster:
    """Return the wanted cluster with a changed source."""
    cluster = build_wanted(0)
    return cluster.replace_instance(replace(cluster.instances[0], **changes))


def build_evidence(size_gib: int) -> str:
    """Return what an agent tells of its data volume."""
    return json.dumps({"volume": {"file_system_bytes": size_gib * GIB}})


def act(name: str, result: str = "") -> tuple[ServerAction, ...]:
    return (ServerAction(action=name, request_id="req-own", started_at="", result=result),)


def move(phase: ResourcePhase | None = None, **values: Any) -> dict[str, Any]:
    """Return what a resize under way has."""
    values = {
        "epoch": OPERATION_NUMBER,
        "intended_at": NOW,
        "cloud_id": None,
        "cloud_request_id": "req-own",
        **values,
    }
    record = build_record(ResourceKind.RESIZE, phase, **values)
    return {
        **RUNNING,
        "order": RESIZE,
        "wanted": want(flavor="m1.large", previous_flavor="m1.small"),
        "action": record,
    }
