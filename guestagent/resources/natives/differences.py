"""What an audit finds about a cluster of the store: what is missing, what others have changed or use. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from guestagent.resources.natives.cluster_view import ClusterView
from guestagent.resources.natives.deletion_requests import is_deletion_requested
from guestagent.resources.natives.drift import (
    Drift,
    list_foreign_rules,
    list_group_drift,
    list_instance_drift,
)
from guestagent.resources.natives.group_rules import build_group_key
from guestagent.resources.natives.marks import Mark, parse_description, parse_metadata
from guestagent.resources.natives.requests import DeleteRule
from guestagent.resources.natives.suspects import Suspect
from guestagent.resources.orders import Clean
from guestagent.resources.store.records import ResourceKind, ResourcePhase, ResourceRecord
from guestagent.resources.views import FindingKind

INSTANCE_KINDS = frozenset({ResourceKind.SERVER, ResourceKind.VOLUME, ResourceKind.PORT})


def list_differences(view: ClusterView) -> list[Suspect]:
    """Return the suspects of one cluster. What an operation is changing is left out."""
    missing = [*_list_missing(view)]
    missing_ids = {each.cloud_id for each in missing}
    drift = [each for each in _list_drift(view) if each.cloud_id not in missing_ids]
    return [*missing, *drift, *_list_foreign_rule_suspects(view), *_list_strangers(view)]


def _list_foreign_rule_suspects(view: ClusterView) -> Iterator[Suspect]:
    """Yield the rules in our groups that are not ours."""
    for name in sorted(view.wanted.groups):
        record = view.records.get(build_group_key(view.wanted.name, name))
        for rule_id, text in sorted(list_foreign_rules(view, name).items()):
            yield Suspect(
                kind=FindingKind.FOREIGN_RULE,
                resource=str(ResourceKind.RULE),
                cloud_id=rule_id,
                cluster=view.wanted.name,
                text=f"in group {name}: {text}",
                state=("" if record is None else record.cloud_id or "", text),
                request=DeleteRule(rule_id=rule_id),
            )


def _list_missing(view: ClusterView) -> Iterator[Suspect]:
    for record in view.records.values():
        if record.phase is not ResourcePhase.CREATED or is_deletion_requested(record):
            continue
        is_wanted = view.wanted.find_instance(record.key.instance) is not None
        if record.key.kind in INSTANCE_KINDS and is_wanted and view.is_gone(record):
            yield _build_missing(record, record.key.instance)
        is_group = record.key.kind is ResourceKind.GROUP and record.key.name in view.wanted.groups
        if is_group and record.cloud_id not in view.observed.groups:
            yield _build_missing(record, record.key.name)


def _build_missing(record: ResourceRecord, name: str) -> Suspect:
    return Suspect(
        kind=FindingKind.MISSING,
        resource=str(record.key.kind),
        cloud_id=record.cloud_id or "",
        cluster=record.key.cluster,
        instance=record.key.instance,
        text=f"{record.key.kind} {record.cloud_id} of {name} is in the store, and not in the cloud",
    )


def _list_drift(view: ClusterView) -> Iterator[Suspect]:
    if view.running is not None and not isinstance(view.order, Clean):
        return
    for instance in view.wanted:
        yield from (_build_drift(view, each, instance.name) for each in list_instance_drift(view, instance))
    drift = chain.from_iterable(list_group_drift(view, name) for name in sorted(view.wanted.groups))
    yield from (_build_drift(view, each, "") for each in drift)


def _build_drift(view: ClusterView, drift: Drift, instance: str) -> Suspect:
    return Suspect(
        kind=FindingKind.DRIFT,
        resource=drift.resource,
        cloud_id=drift.cloud_id,
        cluster=view.wanted.name,
        instance=instance,
        text=drift.text,
        state=(drift.text,),
        needs_second_look=False,
    )


def _list_strangers(view: ClusterView) -> Iterator[Suspect]:
    """Yield ports of others that have a group of ours, and servers of others that have a volume of ours."""
    created = [each for each in view.records.values() if each.phase is ResourcePhase.CREATED]
    groups = {each.cloud_id: each.key.name for each in created if each.key.kind is ResourceKind.GROUP}
    recorded = {each.cloud_id for each in created}
    for port in view.observed.ports.values():
        if port.id not in recorded and not _is_own(view, parse_description(port.description)):
            for group_id in sorted(port.groups & groups.keys()):
                text = f"port {port.id} is not the cluster's, and has its group {groups[group_id]}"
                yield _build_stranger(view, "port", port.id, text)
    volumes = {each.cloud_id for each in created if each.key.kind is ResourceKind.VOLUME}
    for attachment in view.observed.attachments:
        server = view.observed.servers.get(attachment.server_id)
        if attachment.volume_id not in volumes or server is None or server.id in recorded:
            continue
        if not _is_own(view, parse_metadata(server.metadata)):
            text = f"server {server.id} is not the cluster's, and has its volume {attachment.volume_id}"
            yield _build_stranger(view, "server", server.id, text)


def _build_stranger(view: ClusterView, resource: str, cloud_id: str, text: str) -> Suspect:
    return Suspect(
        kind=FindingKind.STRANGER,
        resource=resource,
        cloud_id=cloud_id,
        cluster=view.wanted.name,
        text=text,
        state=(text,),
        needs_second_look=False,
    )


def _is_own(view: ClusterView, mark: Mark | None) -> bool:
    return mark is not None and (mark.store_id, mark.cluster_id) == (view.store_id, view.cluster_id)
