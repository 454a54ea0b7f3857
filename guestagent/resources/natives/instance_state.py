"""In which state an instance is, by what is wanted, recorded and observed of it, and by what the next round would do.

Pure.
"""

from __future__ import annotations

from collections.abc import Mapping

from guestagent.resources.natives.cloud_api import CloudServer
from guestagent.resources.natives.cluster_view import ClusterView
from guestagent.resources.natives.deletion_requests import is_deletion_requested
from guestagent.resources.natives.responses import UNKNOWN_STATUS
from guestagent.resources.natives.server_actions import REVERTING
from guestagent.resources.natives.steps import NeedAttention, Steps, Waiting
from guestagent.resources.orders import AddInstance, CreateCluster
from guestagent.resources.store.records import ResourceKey, ResourceKind, ResourcePhase, ResourceRecord
from guestagent.resources.views import InstanceState
from guestagent.resources.wanted import WantedInstance

StateOf = tuple[InstanceState, str]
"""A state, and what people should know of it."""
MOVING_STATES: Mapping[str, InstanceState] = {
    "RESIZE": InstanceState.RESIZING,
    "MIGRATING": InstanceState.RESIZING,
    "VERIFY_RESIZE": InstanceState.VERIFYING,
    "REVERT_RESIZE": InstanceState.REVERTING,
    "BUILD": InstanceState.BUILDING,
    "REBOOT": InstanceState.BOOTING,
    "HARD_REBOOT": InstanceState.BOOTING,
}
"""The state of an instance by Nova's status of its server, where that tells it."""
MOVES = (ResourceKind.RESIZE, ResourceKind.MIGRATION)
SILENT_CELL = "a part of Nova does not answer, so nobody can tell where its server is"


def choose_state(view: ClusterView, instance: WantedInstance, steps: Steps) -> StateOf:
    """Return the state of a wanted instance. `steps` are those of the next round for it."""
    if is_being_withdrawn(view, instance):
        return InstanceState.DELETING, "its creation is being taken back"
    key = ResourceKey(view.wanted.name, ResourceKind.SERVER, instance.name, epoch=instance.epoch)
    record = view.records.get(key)
    server = None if record is None else view.get_server(record.cloud_id or "")
    if record is not None and record.cloud_id and _is_out_of_sight(view, server):
        return InstanceState.ATTENTION, SILENT_CELL
    if record is not None and record.was_used and _is_gone(view, record, server):
        return InstanceState.GONE, f"server {record.cloud_id} is gone: replace the instance"
    for step in steps:
        if isinstance(step, NeedAttention):
            return InstanceState.ATTENTION, step.message
    reason = next((step.reason for step in steps if isinstance(step, Waiting)), "")
    if record is None:
        is_begun = any(each.key.instance == instance.name for each in view.records.values())
        return InstanceState.BUILDING if is_begun else InstanceState.NEW, reason
    if server is None or (server.status == "ERROR" and not record.was_used):
        return InstanceState.BUILDING, reason or ("" if server is None else server.fault)
    return _choose_by_server(view, instance, record, server, reason)


def is_being_withdrawn(view: ClusterView, instance: WantedInstance) -> bool:
    """Return whether the creation of the instance was cancelled."""
    if not view.is_cancelled:
        return False
    is_added = isinstance(view.order, AddInstance) and view.wanted.instances[-1].name == instance.name
    return isinstance(view.order, CreateCluster) or is_added


def _choose_by_server(
    view: ClusterView, instance: WantedInstance, record: ResourceRecord, server: CloudServer, reason: str
) -> StateOf:
    if server.status in {"DELETED", "SOFT_DELETED"} or server.task_state == "deleting":
        text = "" if is_deletion_requested(record) else f"somebody else deletes server {server.id}"
        return InstanceState.DELETING, text
    move = _find_action(view, instance, *MOVES)
    if move is not None and move.answer.startswith(REVERTING):
        return InstanceState.REVERTING, move.answer.removeprefix(REVERTING).removeprefix(": ")
    if server.status in MOVING_STATES:
        return MOVING_STATES[server.status], reason
    if server.status == "ERROR":
        return (
            InstanceState.ATTENTION,
            f"server {server.id} is in ERROR: {server.fault or 'Nova gives no reason'}",
        )
    if server.status != "ACTIVE":
        advice = ": a hard restart starts it" if server.status == "SHUTOFF" else ""
        return InstanceState.ATTENTION, f"server {server.id} is {server.status}{advice}"
    if move is not None and move.cloud_id is None:
        return InstanceState.RESIZING, reason
    volume = view.find_record(ResourceKind.VOLUME, instance.name)
    cloud_volume = None if volume is None else view.get_volume(volume.cloud_id or "")
    is_extending = cloud_volume is not None and cloud_volume.status == "extending"
    if is_extending or _find_action(view, instance, ResourceKind.GROWTH) is not None:
        return InstanceState.GROWING, reason
    return _choose_by_signal(view, instance, reason)


def _choose_by_signal(view: ClusterView, instance: WantedInstance, reason: str) -> StateOf:
    """Return the state of an instance whose server runs: what its node has proved in the present generation."""
    signal = view.find_signal(instance)
    if signal is not None and not signal.is_success:
        return InstanceState.ATTENTION, signal.reason or "FAILURE without a reason"
    if signal is not None:
        return InstanceState.READY, reason
    has_read = (instance.name, instance.epoch) in view.contacts
    return InstanceState.PROVING if has_read else InstanceState.BOOTING, reason


def _find_action(view: ClusterView, instance: WantedInstance, *kinds: ResourceKind) -> ResourceRecord | None:
    """Return the record of an action on the instance that has not ended."""
    for kind in kinds:
        for record in view.list_records(kind, instance.name):
            if record.phase is not ResourcePhase.GONE:
                return record
    return None


def _is_out_of_sight(view: ClusterView, server: CloudServer | None) -> bool:
    return server.status == UNKNOWN_STATUS if server is not None else not view.observed.is_complete


def _is_gone(view: ClusterView, record: ResourceRecord, server: CloudServer | None) -> bool:
    if record.phase is ResourcePhase.GONE:
        return not view.marked.get(record.key)
    return server is None and view.is_gone(record)
