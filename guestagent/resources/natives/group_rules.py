"""Security groups and their rules: what is missing is created before what is superfluous is deleted. Pure.

Neutron answers a second creation of a rule with the id of the first, or, in a project at its quota, with OverQuota: the
list tells then. Rules that other people have made in our groups are left alone.
"""

from __future__ import annotations

from dataclasses import replace

from guestagent.resources.natives.cloud_api import CloudGroup
from guestagent.resources.natives.cluster_view import ClusterView
from guestagent.resources.natives.deletion_requests import await_deletion, is_request_recent, mark_deletion
from guestagent.resources.natives.marks import build_description, build_name
from guestagent.resources.natives.presence import (
    LOST_ANSWER_PAUSE_S,
    build_intent,
    can_retry,
    is_absent,
    is_refusal_certain,
    parse_refusal,
    plan_presence,
    report_refusal,
    was_never_created,
)
from guestagent.resources.natives.request_words import describe_record
from guestagent.resources.natives.requests import CreateGroup, CreateRule, DeleteRule
from guestagent.resources.natives.steps import (
    ChangeRules,
    FailOperation,
    ForgetRecord,
    NoteRecord,
    SendRequest,
    Step,
    Steps,
    Waiting,
)
from guestagent.resources.orders import CreateRules, CreateSecurityGroup, UpdateRuleCidr
from guestagent.resources.rule import Rule
from guestagent.resources.store.records import ResourceKey, ResourceKind, ResourcePhase, ResourceRecord

ABSENT_RULE_PAUSE_S = 5.0
GROUP_ORDERS = (CreateSecurityGroup, CreateRules, UpdateRuleCidr)
"""Orders that fail when the cloud refuses a group or rule; the others wait for a person."""


def build_group_key(cluster: str, group: str) -> ResourceKey:
    """Return the key of the record of a security group."""
    return ResourceKey(cluster, ResourceKind.GROUP, name=group)


def build_rule_key(cluster: str, group: str, rule: Rule) -> ResourceKey:
    """Return the key of the record of a rule, which tells that it is ours."""
    return ResourceKey(cluster, ResourceKind.RULE, name=f"{group}/{rule.key}")


def plan_group(view: ClusterView, name: str) -> Steps:
    """Return the steps to a wanted group and exactly its rules, beside those of other people."""
    key = build_group_key(view.wanted.name, name)
    record = view.records.get(key)
    if record and record.phase.is_refused and not (can_retry(view, record) or view.find_marked(key)):
        return (*_fail_order(view, record), *_drop_group(view, record))
    request = CreateGroup(name=build_name(key), description=build_description(view.build_mark(key)))
    if steps := plan_presence(view, key, lambda: request):
        return steps
    record = view.records[key]
    group = view.observed.groups.get(record.cloud_id or "")
    if group is None and is_absent(view, record, view.settle_s):
        return (NoteRecord(replace(record, phase=ResourcePhase.GONE), "not listed any more"),)
    if group is None:
        return (Waiting(f"security group {name} is not listed", LOST_ANSWER_PAUSE_S),)
    missing = [
        rule
        for rule in sorted(view.wanted.list_rules(name), key=lambda each: each.key)
        if rule not in group.rules.values()
    ]
    steps_for_missing = [step for rule in missing for step in _plan_missing_rule(view, name, group, rule)]
    if missing:
        return tuple(steps_for_missing)
    return (*_note_rules(view, name, group), *_plan_superfluous_rules(view, name, group))


def list_rule_records(view: ClusterView, group: str) -> list[ResourceRecord]:
    """Return the records of the rules of a group."""
    records = view.records.values()
    return [
        each
        for each in records
        if each.key.kind is ResourceKind.RULE and each.key.name.startswith(f"{group}/")
    ]


def _plan_missing_rule(view: ClusterView, name: str, group: CloudGroup, rule: Rule) -> Steps:
    """Create a rule that the list does not show, unless the cloud has refused it."""
    key = build_rule_key(view.wanted.name, name, rule)
    record = view.records.get(key)
    if record is not None and record.phase.is_refused and not can_retry(view, record):
        if not _is_order_refused(view, record):
            return (report_refusal(view, record),)
        present = frozenset(group.rules.values())
        of_donor = view.wanted.list_rules(name) - view.wanted.groups[name]
        kept = {each for each in present - of_donor if _is_ours(view, name, each)}
        return (ChangeRules(name, frozenset(kept)), *_fail_order(view, record))
    request = CreateRule(group_id=group.id, rule=rule)
    return (SendRequest(build_intent(view, key), request, is_creation=True),)


def _note_rules(view: ClusterView, name: str, group: CloudGroup) -> list[Step]:
    """Note the ids of the wanted rules: they are ours from now on."""
    steps: list[Step] = []
    for rule_id, rule in sorted(group.rules.items()):
        key = build_rule_key(view.wanted.name, name, rule)
        record = view.records.get(key)
        if rule in view.wanted.list_rules(name) and not _is_noted(record, group, rule):
            record = record or ResourceRecord(key=key, operation_id=view.operation_id, intended_at=view.now)
            noted = replace(record, phase=ResourcePhase.CREATED, cloud_id=rule_id, answer="")
            steps.append(NoteRecord(noted, "listed"))
    return steps


def _is_noted(record: ResourceRecord | None, group: CloudGroup, rule: Rule) -> bool:
    """Return whether the record of a rule has the id of one that is listed."""
    if record is None or record.phase is not ResourcePhase.CREATED:
        return False
    return group.rules.get(record.cloud_id or "") == rule


def _plan_superfluous_rules(view: ClusterView, name: str, group: CloudGroup) -> list[Step]:
    """Delete what was ours and is not wanted any more. Called only when every wanted rule is listed."""
    steps: list[Step] = []
    wanted_keys = {build_rule_key(view.wanted.name, name, rule) for rule in view.wanted.list_rules(name)}
    # Somebody may have made a rule again in other words: the one that is deleted is the recorded one.
    recorded_ids = {record.cloud_id for record in list_rule_records(view, name)}
    listed_ids = {
        build_rule_key(view.wanted.name, name, rule): rule_id
        for rule_id, rule in sorted(group.rules.items(), key=lambda each: each[0] in recorded_ids)
    }
    for record in list_rule_records(view, name):
        if record.key in wanted_keys:
            continue
        rule_id = listed_ids.get(record.key, record.cloud_id)
        if rule_id is None:
            continue
        if _may_be_created_again(view, record):
            kept = replace(record, phase=ResourcePhase.INTENDED, cloud_id=None)
            steps.append(SendRequest(kept, DeleteRule(rule_id=rule_id)))
        elif record.key in listed_ids and is_request_recent(view, record):
            steps.append(await_deletion(record))
        else:
            intent = replace(mark_deletion(view, record), phase=ResourcePhase.CREATED, cloud_id=rule_id)
            steps.append(SendRequest(intent, DeleteRule(rule_id=rule_id), forgets=True))
    return steps


def forget_absent_rules(view: ClusterView) -> Steps:
    """Forget rules that are not wanted any more and were never created.

    A rule is requested again without waiting, so even after a refusal an earlier request without an answer may create
    it: until the settle time is over it would be ours to delete.
    """
    steps: list[Step] = []
    for name in view.wanted.groups:
        wanted_keys = {build_rule_key(view.wanted.name, name, rule) for rule in view.wanted.list_rules(name)}
        for record in list_rule_records(view, name):
            if record.key in wanted_keys or record.cloud_id is not None:
                continue
            if was_never_created(view, record):
                steps.append(ForgetRecord(record.key))
            else:
                steps.append(
                    Waiting(f"{describe_record(record.key)} may still be created", ABSENT_RULE_PAUSE_S)
                )
    return tuple(steps)


def _may_be_created_again(view: ClusterView, record: ResourceRecord) -> bool:
    """Return whether another request without an answer may create the rule after its deletion."""
    is_only_request = record.phase is ResourcePhase.CREATED and record.attempts == 1
    return not is_only_request and view.now < record.intended_at + view.settle_s


def _is_ours(view: ClusterView, group: str, rule: Rule) -> bool:
    record = view.records.get(build_rule_key(view.wanted.name, group, rule))
    return record is not None and record.phase is ResourcePhase.CREATED


def _fail_order(view: ClusterView, record: ResourceRecord) -> Steps:
    if not _is_order_refused(view, record):
        return (report_refusal(view, record),)
    code, message = parse_refusal(record)
    return (FailOperation(code, f"{describe_record(record.key)}: {message}"),)


def _is_order_refused(view: ClusterView, record: ResourceRecord) -> bool:
    """Return whether the running order ends by the refusal."""
    return isinstance(view.order, GROUP_ORDERS) and is_refusal_certain(view, record)


def _drop_group(view: ClusterView, record: ResourceRecord) -> Steps:
    is_of_order = isinstance(view.order, CreateSecurityGroup) and view.order.group == record.key.name
    if is_of_order and is_refusal_certain(view, record):
        return (ForgetRecord(record.key), ChangeRules(record.key.name, None))
    return ()
