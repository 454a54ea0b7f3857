"""What an action on a server came to, by Nova's list of actions: its status often tells nothing. Pure.

The record of an action holds Nova's name for a request: that of the newest action from before, while the answer to ours
is unknown, and then that of our own.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from guestagent.resources.natives.cloud_api import CloudServer, ServerAction
from guestagent.resources.natives.cluster_view import UNCERTAIN_PHASES, ClusterView
from guestagent.resources.natives.presence import (
    LOST_ANSWER_PAUSE_S,
    await_refused,
    build_intent,
    is_absent,
    is_refusal_certain,
)
from guestagent.resources.natives.request_words import RESET_HINT, describe_record
from guestagent.resources.natives.requests import CloudRequest
from guestagent.resources.natives.steps import NeedAttention, NoteRecord, SendRequest, Steps, Waiting
from guestagent.resources.operation import RefusalCode
from guestagent.resources.store.records import ResourceKey, ResourceKind, ResourcePhase, ResourceRecord

TAKEN_AS = "taken as "
"""The answer of a growth that Cinder has taken, before the request's name."""
REVERTING = "revert requested"
"""The answer of a REFUSED record of a move whose old server has to return."""

REST_DEADLINE_S = 1800.0
"""How long a server or a volume may be busy before the action of an order, counted from the order's start."""


def list_newer_actions(view: ClusterView, server_id: str, record: ResourceRecord) -> tuple[ServerAction, ...]:
    """Return the actions since the one that the record names, the newest first."""
    newer: list[ServerAction] = []
    for action in view.lookups.actions.get(server_id, ()):
        if action.request_id == record.cloud_request_id:
            break
        newer.append(action)
    return tuple(newer)


def find_action(view: ClusterView, server_id: str, record: ResourceRecord) -> ServerAction | None:
    """Return our own action, of a record whose answer is known."""
    actions = view.lookups.actions.get(server_id, ())
    return next((each for each in actions if each.request_id == record.cloud_request_id), None)


def plan_action_request(
    view: ClusterView, key: ResourceKey, server_id: str, request: CloudRequest, names: Collection[str]
) -> Steps:
    """Return the steps until an action's request has an answer; none if it has one.

    `names` are those that Nova's list has for it.
    """
    record = view.records.get(key)
    actions = view.lookups.actions.get(server_id)
    if actions is None:
        return (Waiting(f"the actions of server {server_id} were not read"),)
    if record is None:
        newest = actions[0].request_id if actions else ""
        intent = build_intent(view, key, cloud_request_id=newest)
        return (SendRequest(intent, request, is_creation=True),)
    if record.phase not in UNCERTAIN_PHASES or record.answer.startswith(REVERTING):
        return ()
    for action in list_newer_actions(view, server_id, record):
        if action.action in names:
            request_id = choose_request_id(record, action.request_id)
            noted = replace(record, phase=ResourcePhase.CREATED, cloud_request_id=request_id, answer="")
            return (NoteRecord(noted, "found among the server's actions"),)
    if record.phase.is_refused:
        return () if is_refusal_certain(view, record) else (await_refused(record),)
    if is_absent(view, record, view.settle_s):
        intent = build_intent(view, key, cloud_request_id=record.cloud_request_id)
        return (SendRequest(intent, request, is_creation=True),)
    return (Waiting(f"the answer about {describe_record(key)} is lost", LOST_ANSWER_PAUSE_S),)


def choose_request_id(record: ResourceRecord, own: str) -> str:
    """Return the name of the request that a record keeps.

    Of a growth it stays the newest action's from before: the request goes to Cinder, whose names Nova does not have.
    """
    return record.cloud_request_id if record.key.kind is ResourceKind.GROWTH else own


def choose_answer(record: ResourceRecord, own: str) -> str:
    """Return the answer that a record keeps: of a growth Cinder's name for the request, which its messages have."""
    return TAKEN_AS + own if record.key.kind is ResourceKind.GROWTH and own else ""


def get_growth_request_id(record: ResourceRecord) -> str:
    """Return Cinder's name for the request of a growth; "" if its answer was lost."""
    return record.answer.removeprefix(TAKEN_AS) if record.answer.startswith(TAKEN_AS) else ""


def build_action_key(view: ClusterView, kind: ResourceKind, instance: str) -> ResourceKey:
    """Return the key of the running operation's action."""
    number = 0 if view.running is None else view.running.number
    return ResourceKey(view.wanted.name, kind, instance, epoch=number)


def is_ready_for_action(server: CloudServer, statuses: Collection[str]) -> bool:
    """Return whether Nova takes an action on the server, and no other one runs."""
    return server.status in statuses and server.task_state is None


def await_rest(view: ClusterView, text: str) -> Waiting | NeedAttention:
    """Wait for a server or a volume that is busy before the action; after half an hour call a person, too.

    Nothing was sent yet. So the order goes on by itself when it is at rest, and ends at once when it is cancelled.
    """
    started_at = None if view.running is None else view.running.operation.started_at
    if started_at is not None and view.now > started_at + REST_DEADLINE_S:
        return NeedAttention(RefusalCode.DEADLINE, f"{text}: {RESET_HINT}", "cancel ends the order")
    return Waiting(text)
