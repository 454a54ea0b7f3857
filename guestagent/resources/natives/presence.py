"""A group, volume or port that should exist: found, awaited, or created with an intent written first. Pure.

Presence is believed at once, whatever the record says; absence as `absence.py` has it. The refusal of a repeated
request proves nothing: the one before it may have used up the quota, or may hold what the repeated one asks for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from guestagent.resources.natives.absence import SERVER_SETTLE_S
from guestagent.resources.natives.cluster_view import ClusterView
from guestagent.resources.natives.request_words import describe_record
from guestagent.resources.natives.requests import CloudRequest
from guestagent.resources.natives.steps import NeedAttention, NoteRecord, SendRequest, Steps, Waiting
from guestagent.resources.operation import RefusalCode
from guestagent.resources.store.records import ResourceKey, ResourcePhase, ResourceRecord

LOST_ANSWER_PAUSE_S = 2.0


def plan_presence(view: ClusterView, key: ResourceKey, build_request: Callable[[], CloudRequest]) -> Steps:
    """Return the steps until the record of `key` has an id; none if it has one."""
    record = view.records.get(key)
    if record is not None and record.phase is ResourcePhase.CREATED:
        return ()
    if cloud_id := view.find_marked(key):
        return (note_presence(view, key, cloud_id),)
    if record is None or record.phase is ResourcePhase.GONE or can_retry(view, record):
        return (SendRequest(build_intent(view, key), build_request(), is_creation=True),)
    if record.phase.is_refused:
        return (report_refusal(view, record),)
    if is_absent(view, record, view.settle_s):
        return (SendRequest(build_intent(view, key), build_request(), is_creation=True),)
    return (Waiting(f"the answer about {describe_record(key)} is lost", LOST_ANSWER_PAUSE_S),)


def build_intent(view: ClusterView, key: ResourceKey, cloud_request_id: str = "") -> ResourceRecord:
    """Return the record to write before a request. An earlier one without an answer is counted."""
    record = view.records.get(key)
    is_repeated = record is not None and record.phase in {ResourcePhase.INTENDED, ResourcePhase.REFUSED}
    return ResourceRecord(
        key=key,
        operation_id=view.operation_id or (record.operation_id if record else ""),
        intended_at=view.now,
        was_used=record is not None and record.was_used,
        attempts=record.attempts + 1 if record is not None and is_repeated else 1,
        cloud_request_id=cloud_request_id,
    )


def note_presence(view: ClusterView, key: ResourceKey, cloud_id: str) -> NoteRecord:
    """Note the id of a resource that a request without a known answer has created."""
    record = view.records.get(key) or ResourceRecord(
        key=key, operation_id=view.operation_id, intended_at=view.now
    )
    return NoteRecord(
        replace(record, phase=ResourcePhase.CREATED, cloud_id=cloud_id, answer=""), "found by its mark"
    )


def is_absent(view: ClusterView, record: ResourceRecord, settle_s: float) -> bool:
    """Return whether it is certain that the last request has created nothing."""
    absence = view.absences.get(record.key)
    return absence is not None and absence.is_believed(record, view.now, settle_s)


def was_never_created(view: ClusterView, record: ResourceRecord) -> bool:
    """Return whether nothing can come of any request so far."""
    return record.phase is ResourcePhase.REFUSED_OUTRIGHT or is_absent(view, record, view.settle_s)


def can_retry(view: ClusterView, record: ResourceRecord) -> bool:
    """Return whether a person has asked for another try since the cloud refused this resource."""
    if not record.phase.is_refused or view.running is None:
        return False
    return record.operation_id != view.operation_id or record.attempts <= view.running.retries


def note_refusal(record: ResourceRecord, code: str, message: str, retries: int) -> ResourceRecord:
    """Return the record after a refusal. `attempts` is then above the retries that were asked for so far."""
    phase = ResourcePhase.REFUSED_OUTRIGHT if record.attempts == 1 else ResourcePhase.REFUSED
    return replace(record, phase=phase, answer=f"{code}: {message}", attempts=retries + 1)


def is_refusal_certain(view: ClusterView, record: ResourceRecord) -> bool:
    """Return whether a refused request leaves nothing to wait for: looks after it show no effect of earlier ones."""
    return record.phase is ResourcePhase.REFUSED_OUTRIGHT or is_absent(view, record, SERVER_SETTLE_S)


def await_refused(record: ResourceRecord) -> Waiting:
    """Wait for the looks after the refusal of a repeated request."""
    text = f"{describe_record(record.key)} is refused, and an earlier request may have had its effect"
    return Waiting(text, LOST_ANSWER_PAUSE_S)


def report_refusal(view: ClusterView, record: ResourceRecord) -> NeedAttention | Waiting:
    """Return what a person has to know about a refused resource, once it is certain that it is not there."""
    if not is_refusal_certain(view, record):
        return await_refused(record)
    code, message = parse_refusal(record)
    text = f"the cloud refused {describe_record(record.key)}: {message}"
    return NeedAttention(code, text, choose_advice(view))


def choose_advice(view: ClusterView) -> str:
    """Return how the manager is made to try again. Without an operation it tries nothing again by itself."""
    if view.running is not None:
        return "remove the cause, then retry or cancel the operation"
    return "the next order of the cluster tries again"


def parse_refusal(record: ResourceRecord) -> tuple[RefusalCode, str]:
    """Return the code and the message of a refused record."""
    code, _, message = record.answer.partition(": ")
    try:
        return RefusalCode(code), message
    except ValueError:
        return RefusalCode.REFUSED, record.answer
