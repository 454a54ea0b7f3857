"""The server group of a cluster: Nova spreads its servers over hosts, as far as it can. Pure.

A cloud may have no room for one, or none at all: then the servers are created without, and the cluster's events say so.
A server group has no metadata, so its name is its mark.
"""

from __future__ import annotations

from guestagent.resources.natives.cluster_view import STALE_READ_S, UNCERTAIN_PHASES, ClusterView
from guestagent.resources.natives.deletion_requests import await_deletion, is_request_recent, mark_deletion
from guestagent.resources.natives.marks import build_description
from guestagent.resources.natives.presence import (
    LOST_ANSWER_PAUSE_S,
    can_retry,
    is_refusal_certain,
    note_presence,
    plan_presence,
    was_never_created,
)
from guestagent.resources.natives.request_words import describe_record
from guestagent.resources.natives.requests import CreateServerGroup, DeleteServerGroup
from guestagent.resources.natives.steps import ForgetRecord, SendRequest, Steps, Waiting
from guestagent.resources.store.records import ResourceKey, ResourceKind, ResourcePhase, ResourceRecord

POLICY = "soft-anti-affinity"
"""Servers are on different hosts if there are enough of them."""
FULL_GROUP_TEXT = "servers in group"
"""In Nova's refusal of a server for which the group has no room."""


def build_server_group_key(cluster: str) -> ResourceKey:
    """Return the key of the record of a cluster's server group."""
    return ResourceKey(cluster, ResourceKind.SERVER_GROUP)


def plan_server_group(view: ClusterView) -> Steps:
    """Return the steps to the server group, if a server is to be created; and to its end, after the last instance."""
    key = build_server_group_key(view.wanted.name)
    record = view.records.get(key)
    if not view.wanted.instances:
        return () if record is None else _plan_deletion(view, record)
    if not view.observed.has_server_groups:
        return ()
    if record is not None and _is_deleted(view, record):
        return (ForgetRecord(key, f"{describe_record(key)} was deleted by somebody else"),)
    is_due = is_server_group_pending(view) and _is_server_due(view)
    if not is_due and (record is None or not _is_in_doubt(view, record)):
        return ()
    request = CreateServerGroup(name=build_description(view.build_mark(key)), policy=POLICY)
    return plan_presence(view, key, lambda: request)


def is_server_group_pending(view: ClusterView) -> bool:
    """Return whether it is not known yet if there is a group: no server is created until it is."""
    record = view.records.get(build_server_group_key(view.wanted.name))
    if not view.observed.has_server_groups:
        return False
    if record is None or can_retry(view, record) or _is_in_doubt(view, record):
        return True
    return record.phase is ResourcePhase.CREATED and record.cloud_id not in view.observed.server_groups


def choose_server_group(view: ClusterView, server: ResourceRecord | None) -> str | None:
    """Return the group for a server that is to be created; None if there is none, or if it has no room for it."""
    record = view.records.get(build_server_group_key(view.wanted.name))
    if record is None or record.phase is not ResourcePhase.CREATED or is_group_full(server):
        return None
    return record.cloud_id


def is_group_full(server: ResourceRecord | None) -> bool:
    """Return whether Nova has refused a server because its group has no room."""
    is_refused = server is not None and server.phase.is_refused
    return is_refused and server is not None and FULL_GROUP_TEXT in server.answer


def _is_in_doubt(view: ClusterView, record: ResourceRecord) -> bool:
    """Return whether there may be a group that the record does not name."""
    if record.phase.is_refused and not view.find_marked(record.key):
        return not can_retry(view, record) and not is_refusal_certain(view, record)
    return record.phase in UNCERTAIN_PHASES


def _is_server_due(view: ClusterView) -> bool:
    """Return whether an instance has no server in its epoch, as far as we know."""
    name = view.wanted.name
    keys = (ResourceKey(name, ResourceKind.SERVER, each.name, epoch=each.epoch) for each in view.wanted)
    records = (view.records.get(key) for key in keys)
    return any(record is None or record.phase in UNCERTAIN_PHASES for record in records)


def _is_deleted(view: ClusterView, record: ResourceRecord) -> bool:
    is_missing = record.cloud_id not in view.observed.server_groups
    return (
        record.phase is ResourcePhase.CREATED and is_missing and view.now >= record.intended_at + STALE_READ_S
    )


def _plan_deletion(view: ClusterView, record: ResourceRecord) -> Steps:
    """Delete the group after the cluster's last instance, once it is certain that there is one."""
    if any(key.instance for key in view.records):
        return ()
    if record.phase in UNCERTAIN_PHASES:
        if cloud_id := view.find_marked(record.key):
            return (note_presence(view, record.key, cloud_id),)
        if was_never_created(view, record):
            return (ForgetRecord(record.key),)
        return (Waiting(f"the answer about {describe_record(record.key)} is lost", LOST_ANSWER_PAUSE_S),)
    if is_request_recent(view, record):
        return (await_deletion(record),)
    request = DeleteServerGroup(group_id=record.cloud_id or "")
    return (SendRequest(mark_deletion(view, record), request, forgets=True),)
