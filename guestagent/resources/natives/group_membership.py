"""Which security groups a port has, and the end of a group that no port has any more. Pure."""

from __future__ import annotations

from dataclasses import replace

from guestagent.resources.natives.cloud_api import CloudPort
from guestagent.resources.natives.cluster_view import UNCERTAIN_PHASES, ClusterView
from guestagent.resources.natives.deletion_requests import await_deletion, is_request_recent, mark_deletion
from guestagent.resources.natives.group_rules import build_group_key, list_rule_records
from guestagent.resources.natives.marks import parse_description
from guestagent.resources.natives.presence import LOST_ANSWER_PAUSE_S, note_presence, was_never_created
from guestagent.resources.natives.request_words import describe_record
from guestagent.resources.natives.requests import DeleteGroup, SetPortGroups
from guestagent.resources.natives.steps import ForgetRecord, NeedAttention, SendRequest, Steps, Waiting
from guestagent.resources.operation import RefusalCode
from guestagent.resources.store.records import ResourceKind, ResourcePhase, ResourceRecord


def find_group_ids(view: ClusterView) -> tuple[str, ...] | None:
    """Return the ids of all wanted groups, or None until each has one."""
    records = [view.records.get(build_group_key(view.wanted.name, name)) for name in view.wanted.groups]
    if any(record is None or record.phase is not ResourcePhase.CREATED for record in records):
        return None
    return tuple(sorted(record.cloud_id for record in records if record is not None and record.cloud_id))


def plan_port_groups(view: ClusterView, record: ResourceRecord, port: CloudPort) -> Steps:
    """Give a port the wanted groups, and take those that are not wanted any more. Other people's stay."""
    wanted = find_group_ids(view)
    if not wanted or not view.observed.groups.keys() >= set(wanted):
        return ()
    leaving = {each.cloud_id for each in list_leaving_groups(view)}
    groups = tuple(sorted(port.groups - leaving | set(wanted)))
    if port.groups == set(groups):
        return ()
    return (
        SendRequest(replace(record, intended_at=view.now), SetPortGroups(port_id=port.id, groups=groups)),
    )


def list_leaving_groups(view: ClusterView) -> list[ResourceRecord]:
    """Return the records of groups that are not wanted any more."""
    return [
        record
        for record in view.records.values()
        if record.key.kind is ResourceKind.GROUP and record.key.name not in view.wanted.groups
    ]


def plan_group_deletion(view: ClusterView, record: ResourceRecord) -> Steps:
    """Delete a group once no port has it. Its rules go with it."""
    name = record.key.name
    if record.phase in UNCERTAIN_PHASES:
        if cloud_id := view.find_marked(record.key):
            return (note_presence(view, record.key, cloud_id),)
        if was_never_created(view, record):
            return _forget_group(view, record)
        return (Waiting(f"the answer about {describe_record(record.key)} is lost", LOST_ANSWER_PAUSE_S),)
    group_id = record.cloud_id or ""
    if is_request_recent(view, record):
        return (await_deletion(record),)
    users = [port for port in view.observed.ports.values() if group_id in port.groups]
    if users:
        strangers = [port.id for port in users if not _is_own(view, port)]
        waiting = Waiting(f"security group {name} is still used by {len(users)} ports")
        return (_report_users(name, strangers),) if len(strangers) == len(users) else (waiting,)
    request = DeleteGroup(group_id=group_id)
    return (SendRequest(mark_deletion(view, record), request, forgets=True),)


def forget_rules_without_group(view: ClusterView) -> Steps:
    """Forget the records of rules whose group has gone."""
    names = {record.key.name for record in view.records.values() if record.key.kind is ResourceKind.GROUP}
    return tuple(
        ForgetRecord(record.key)
        for record in view.records.values()
        if record.key.kind is ResourceKind.RULE
        and record.key.name.partition("/")[0] not in names
        and record.key.name.partition("/")[0] not in view.wanted.groups
    )


def _is_own(view: ClusterView, port: CloudPort) -> bool:
    mark = parse_description(port.description)
    return mark is not None and (mark.store_id, mark.cluster_id) == (view.store_id, view.cluster_id)


def _report_users(name: str, ports: list[str]) -> NeedAttention:
    message = f"security group {name} is used by ports that are not the cluster's: {', '.join(ports)}"
    return NeedAttention(RefusalCode.ATTENTION, message)


def _forget_group(view: ClusterView, record: ResourceRecord) -> Steps:
    rules = (ForgetRecord(each.key) for each in list_rule_records(view, record.key.name))
    return (ForgetRecord(record.key), *rules)
