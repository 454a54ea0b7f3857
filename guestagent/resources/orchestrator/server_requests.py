"""Decides about a request to Nova until its answer is known. Pure.

A request is sent once. If its answer was lost, the server's list of actions shows whether it has arrived; that it has
not is believed only when the settle time is over.
"""

from __future__ import annotations

from dataclasses import replace

from guestagent.resources.natives.presence import parse_refusal
from guestagent.resources.natives.request_words import describe_record, describe_server
from guestagent.resources.natives.requests import MigrateServer, RebootServer
from guestagent.resources.operation import RefusalCode
from guestagent.resources.orchestrator.server_look import ServerLook, get_instance
from guestagent.resources.orchestrator.stack_steps import (
    FailStackOperation,
    MarkServer,
    NeedHelp,
    NoteRequest,
    SendServerRequest,
    WaitForStack,
)
from guestagent.resources.orchestrator.stack_view import StackView
from guestagent.resources.store.records import ResourceKey, ResourceKind, ResourcePhase, ResourceRecord

SERVER_PAUSE_S = 2.0
SERVER_ACTION_LIMIT_S = 1800.0
"""How long Nova may take for an action before a person is called."""

ServerStep = SendServerRequest | NoteRequest | MarkServer | WaitForStack | FailStackOperation | NeedHelp


def find_server_record(view: StackView, kind: ResourceKind) -> ResourceRecord | None:
    """Return the record of the running operation's request to Nova."""
    key = _build_key(view, kind)
    return next((record for record in view.snapshot.resources if record.key == key), None)


def build_server_record(view: StackView, look: ServerLook, kind: ResourceKind) -> ResourceRecord:
    """Return the record of a first request. It names the newest action from before."""
    return ResourceRecord(
        key=_build_key(view, kind),
        operation_id=view.queued.operation.id,
        intended_at=view.now,
        cloud_request_id=look.last_request,
    )


def decide_request(
    view: StackView, look: ServerLook, kind: ResourceKind, request: RebootServer | MigrateServer, action: str
) -> ServerStep | None:
    """Return the next step of a request; None if it has been accepted. `action` is what Nova's list calls it."""
    record = find_server_record(view, kind)
    if record is None:
        return SendServerRequest(request, build_server_record(view, look, kind))
    if record.phase is ResourcePhase.CREATED:
        return None
    for newer in look.list_newer_actions(record):
        if newer.action == action:
            phase = ResourcePhase.CREATED
            return NoteRequest(
                replace(record, phase=phase, cloud_request_id=newer.request_id, answer=""), "Nova has it"
            )
    if record.phase is ResourcePhase.REFUSED:
        return FailStackOperation(*parse_refusal(record))
    if view.now < record.intended_at + view.settle_s:
        return WaitForStack(f"the answer about {describe_record(record.key)} is lost", SERVER_PAUSE_S)
    repeated = replace(record, intended_at=view.now, attempts=record.attempts + 1)
    return SendServerRequest(request, repeated)


def await_server(view: StackView, look: ServerLook, record: ResourceRecord | None) -> WaitForStack | NeedHelp:
    """Wait for what Nova does with the server; after half an hour call a person. `record`: of our request to Nova."""
    assert look.server is not None, "only a server that is there is waited for"
    text = describe_server(look.server, get_instance(view.order))
    begun_at = view.started_at if record is None else record.intended_at
    if view.now >= view.compute_end(begun_at, SERVER_ACTION_LIMIT_S):
        return NeedHelp(f"{text} for half an hour: look at Nova. The operation goes on when it has ended")
    return WaitForStack(text, SERVER_PAUSE_S)


def fail_without_server(view: StackView, look: ServerLook) -> FailStackOperation:
    """Say that there is nothing to act on."""
    instance = get_instance(view.order)
    if not look.server_id:
        return FailStackOperation(
            RefusalCode.NOT_FOUND, f"stack {view.reference.name} has no server of an instance {instance}"
        )
    return FailStackOperation(
        RefusalCode.NOT_FOUND, f"the server of {instance} is gone ({look.server_id}): replace the instance"
    )


def _build_key(view: StackView, kind: ResourceKind) -> ResourceKey:
    return ResourceKey(view.snapshot.cluster.name, kind, get_instance(view.order), epoch=view.queued.number)
