"""Which resources have been used by a database: from then on only an order deletes them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from guestagent.resources.natives.cluster_view import ClusterView
from guestagent.resources.store.records import ResourceKind, ResourcePhase, ResourceRecord

UNUSED_SERVER_STATUSES = frozenset({"BUILD", "ERROR"})
ATTACHED_STATUSES = frozenset({"in-use", "attaching", "detaching"})


def list_newly_used(view: ClusterView) -> Iterator[ResourceRecord]:
    """Yield the records whose resources are seen in use for the first time, with `was_used` set.

    A server is used once it has proved itself. A volume is used once it was attached, or its server was seen running
    or has disappeared without having failed: nobody knows what was written then. A port is used by a running server.
    """
    for record in view.records.values():
        if not record.was_used and record.phase is ResourcePhase.CREATED and _is_used(view, record):
            yield replace(record, was_used=True)


def note_usage(view: ClusterView) -> tuple[ClusterView, tuple[ResourceRecord, ...]]:
    """Return the view with what was found out about usage, and the records to write."""
    newly_used = tuple(list_newly_used(view))
    records = {**view.records, **{record.key: record for record in newly_used}}
    return replace(view, records=records), newly_used


def _is_used(view: ClusterView, record: ResourceRecord) -> bool:
    if record.key.kind is ResourceKind.SERVER:
        return _is_server_used(view, record)
    if record.key.kind is ResourceKind.VOLUME:
        volume = view.get_volume(record.cloud_id or "")
        is_attached = volume is not None and volume.status in ATTACHED_STATUSES
        return is_attached or _had_running_server(view, record)
    return record.key.kind is ResourceKind.PORT and _had_running_server(view, record)


def _is_server_used(view: ClusterView, record: ResourceRecord) -> bool:
    instance = view.wanted.find_instance(record.key.instance)
    is_present = instance is not None and instance.epoch == record.key.epoch
    return is_present and instance is not None and view.is_proved(instance)


def _had_running_server(view: ClusterView, part: ResourceRecord) -> bool:
    """Return whether a server had this volume or port. One in place of another had none from before its own request."""
    since = part.intended_at if part.key.epoch > 1 else 0.0
    for record in view.list_records(ResourceKind.SERVER, part.key.instance):
        if record.intended_at < since:
            continue
        if record.was_used:
            return True
        server = view.get_server(record.cloud_id or "")
        if record.phase is not ResourcePhase.CREATED:
            continue
        if server is None and view.is_gone(record) and not record.answer:
            return True
        if server is not None and server.status not in UNUSED_SERVER_STATUSES:
            return True
    return False
