"""What a record tells about the deletion of its resource: requested when, for what reason, refused or not. Pure."""

from __future__ import annotations

from dataclasses import replace

from guestagent.resources.natives.cluster_view import ClusterView
from guestagent.resources.natives.request_words import describe_record
from guestagent.resources.natives.steps import NeedAttention, Waiting
from guestagent.resources.operation import RefusalCode
from guestagent.resources.store.records import ResourceRecord

DELETION_RETRY_S = 60.0
DELETING = "deletion requested"
"""The answer of a record whose resource we have asked the cloud to delete."""
DELETION_REFUSED = "deletion refused"


def is_request_recent(view: ClusterView, record: ResourceRecord) -> bool:
    """Return whether a deletion was requested a moment ago, so that another request can wait."""
    return is_deletion_requested(record) and view.now < record.intended_at + DELETION_RETRY_S


def mark_deletion(view: ClusterView, record: ResourceRecord, reason: str = "") -> ResourceRecord:
    """Return the record to write before a deletion is requested."""
    is_repeated = is_deletion_requested(record)
    answer = record.answer if is_repeated else DELETING + (reason and f": {reason}")
    return replace(
        record, answer=answer, intended_at=view.now, attempts=record.attempts + 1 if is_repeated else 1
    )


def get_deletion_reason(record: ResourceRecord) -> str:
    """Return why a resource was deleted; "" if no reason was noted."""
    return (
        record.answer.removeprefix(DELETING).removeprefix(": ") if record.answer.startswith(DELETING) else ""
    )


def is_deletion_requested(record: ResourceRecord) -> bool:
    """Return whether we have asked the cloud to delete the resource."""
    return record.answer.startswith((DELETING, DELETION_REFUSED))


def note_deletion_refusal(record: ResourceRecord, message: str) -> ResourceRecord:
    """Return the record after the cloud has rejected a deletion: it is requested again later."""
    return replace(record, answer=f"{DELETION_REFUSED}: {message}")


def await_deletion(record: ResourceRecord) -> Waiting | NeedAttention:
    """Return what to say while a deletion is under way, or was refused a moment ago."""
    name = f"{describe_record(record.key)} ({record.cloud_id})"
    if record.answer.startswith(DELETION_REFUSED):
        message = f"{name} cannot be deleted: {record.answer.removeprefix(DELETION_REFUSED + ': ')}"
        return NeedAttention(RefusalCode.REFUSED, message)
    return Waiting(f"{name} is being deleted")
