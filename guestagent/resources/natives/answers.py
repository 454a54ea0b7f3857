"""What the answer to a request changes in its record. Pure."""

from __future__ import annotations

from dataclasses import replace

from guestagent.errors import CloudRequestRefused
from guestagent.resources.natives.cloud_api import CloudAnswer
from guestagent.resources.natives.deletion_requests import is_deletion_requested, note_deletion_refusal
from guestagent.resources.natives.presence import note_refusal
from guestagent.resources.natives.server_actions import choose_answer, choose_request_id
from guestagent.resources.natives.steps import SendRequest
from guestagent.resources.operation import RefusalCode
from guestagent.resources.store.records import ClusterChange, ResourcePhase


def note_answer(step: SendRequest, answer: CloudAnswer, answered_at: float) -> ClusterChange:
    """Return what to write after the cloud has taken a request.

    What was created may be as young as its answer, which can take a minute: a 404 soon afterwards proves nothing.
    """
    if step.forgets:
        return ClusterChange(forgotten=(step.intent.key,))
    if not step.is_creation:
        return ClusterChange()
    record = replace(
        step.intent,
        phase=ResourcePhase.CREATED,
        cloud_id=answer.cloud_id or None,
        intended_at=answered_at,
        cloud_request_id=choose_request_id(step.intent, answer.request_id),
        answer=choose_answer(step.intent, answer.request_id),
    )
    return ClusterChange(resources=(record,))


def note_refused_request(step: SendRequest, error: CloudRequestRefused, retries: int) -> ClusterChange:
    """Return what to write after the cloud has rejected a request: it had no effect.

    What exists already is looked for by the next round.
    """
    record = step.intent
    if step.is_creation and error.code == RefusalCode.EXISTS:
        return ClusterChange()
    if step.is_creation:
        record = note_refusal(record, error.code, error.message, retries)
    elif is_deletion_requested(record):
        record = note_deletion_refusal(record, error.message)
    resources = () if record == step.intent else (record,)
    text = f"the cloud refused to {step} ({error.code}): {error.message}"
    return ClusterChange(resources=resources, events=(text,) if step.is_first else ())
