"""The one place that deletes data volumes: by the word of an order, or one that nobody ever used. Pure."""

from __future__ import annotations

from dataclasses import replace

from guestagent.resources.natives.cluster_view import ClusterView
from guestagent.resources.natives.deletion_requests import await_deletion, is_request_recent, mark_deletion
from guestagent.resources.natives.request_words import RESET_HINT
from guestagent.resources.natives.requests import DeleteVolume
from guestagent.resources.natives.steps import (
    ForgetRecord,
    NeedAttention,
    NoteRecord,
    SendRequest,
    Steps,
    Waiting,
)
from guestagent.resources.operation import RefusalCode
from guestagent.resources.orders import VolumeFate
from guestagent.resources.store.records import ResourcePhase, ResourceRecord

DELETABLE_STATUSES = frozenset({"available", "error", "error_extending", "error_deleting", "error_restoring"})


def build_named_deletion(volume_id: str) -> DeleteVolume:
    """Return the deletion of a data volume that an order to clean names itself."""
    return DeleteVolume(volume_id=volume_id)


def plan_volume_deletion(
    view: ClusterView, record: ResourceRecord, fate: VolumeFate | None, reason: str = ""
) -> Steps:
    """Delete a volume that has an id and no attachment, or leave it to people.

    `fate` is the word of an order. Without one, a volume that was ever used is kept.
    """
    if fate is VolumeFate.KEEP or (record.was_used and fate is not VolumeFate.DELETE):
        return (ForgetRecord(record.key, f"volume {record.cloud_id} of {record.key.instance} is kept"),)
    if view.is_gone(record):
        return (NoteRecord(replace(record, phase=ResourcePhase.GONE, answer=record.answer), "404"),)
    volume = view.get_volume(record.cloud_id or "")
    name = f"volume {record.cloud_id} of {record.key.instance}"
    if volume is None or volume.status == "deleting":
        return (Waiting(f"{name} is being deleted"),)
    if volume.status not in DELETABLE_STATUSES or view.list_attachments(volume.id):
        return (Waiting(f"{name} is {volume.status}, and cannot be deleted yet"),)
    if is_request_recent(view, record):
        if volume.status == "error_deleting":
            message = f"{name} could not be deleted: {RESET_HINT}"
            return (NeedAttention(RefusalCode.ATTENTION, message),)
        return (await_deletion(record),)
    return (SendRequest(mark_deletion(view, record, reason), DeleteVolume(volume_id=volume.id)),)
