"""Neutron: the quota of a project, and what counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.contract.cloud.client import NETWORK, build_name, format_answer
from tests.contract.cloud.rule_area import CloudRuleArea
from tests.contract.cloud.scope import CloudScope
from tests.contract.rule import Observation

area = CloudRuleArea("quotas of the network")
EXISTS = "409 SecurityGroupRuleExists: Security group rule already exists. Rule id is <id>."
UNKNOWN = "00000000-0000-0000-0000-000000000001"


def read_quota(scope: CloudScope) -> Mapping[str, Mapping[str, int]]:
    project = scope.cloud.session.get_project_id()
    return dict(scope.read(NETWORK, f"/v2.0/quotas/{project}/details")["quota"])


def count_used(scope: CloudScope, kind: str) -> int:
    return read_quota(scope)[kind]["used"]


def refuse(kind: str) -> str:
    return f"409 OverQuota: Quota exceeded for resources: ['{kind}']."


def build_rule(group: str, port: int) -> dict[str, Any]:
    ports = {"port_range_min": port, "port_range_max": port}
    return {"security_group_id": group, "direction": "ingress", "protocol": "tcp", **ports}


@area.rule_of_scope([refuse("port"), "201"], alone=True)
def one_port_too_many_is_a_conflict(scope: CloudScope) -> Observation:
    values = {"network_id": scope.find_network()}
    with scope.cloud.operator.limit_quota("ports", count_used(scope, "port")):
        refused = scope.request_creation("port", values)
    return [format_answer(refused), format_answer(scope.request_creation("port", values))]


@area.rule_of_scope([refuse("security_group"), "201"], alone=True)
def one_group_too_many_is_a_conflict(scope: CloudScope) -> Observation:
    with scope.cloud.operator.limit_quota("groups", count_used(scope, "security_group")):
        refused = scope.request_creation("security_group", {"name": build_name()})
    made = scope.request_creation("security_group", {"name": build_name()})
    return [format_answer(refused), format_answer(made)]


@area.rule_of_scope([refuse("security_group_rule"), "201"], alone=True)
def one_rule_too_many_is_a_conflict(scope: CloudScope) -> Observation:
    group = scope.create_group()
    with scope.cloud.operator.limit_quota("rules", count_used(scope, "security_group_rule")):
        refused = scope.request_creation("security_group_rule", build_rule(group, 1))
    made = scope.request_creation("security_group_rule", build_rule(group, 1))
    return [format_answer(refused), format_answer(made)]


@area.rule_of_scope([refuse("security_group_rule"), 2], alone=True)
def of_several_rules_over_the_quota_none_is_made(scope: CloudScope) -> Observation:
    group = scope.create_group()
    rules = [build_rule(group, port) for port in (1, 2)]
    with scope.cloud.operator.limit_quota("rules", count_used(scope, "security_group_rule") + 1):
        refused = scope.send(NETWORK, "POST", "/v2.0/security-group-rules", {"security_group_rules": rules})
    return [format_answer(refused), len(scope.show("security_group", group)["security_group_rules"])]


@area.rule_of_scope(refuse("security_group_rule"), alone=True)
def a_group_needs_room_for_its_two_rules(scope: CloudScope) -> Observation:
    with scope.cloud.operator.limit_quota("rules", count_used(scope, "security_group_rule") + 1):
        return format_answer(scope.request_creation("security_group", {"name": build_name()}))


@area.rule_of_scope(
    [{"port": 1, "security_group": 1, "security_group_rule": 3}, ["limit", "reserved", "used"]], alone=True
)
def the_quota_shows_what_is_used(scope: CloudScope) -> Observation:
    before = read_quota(scope)
    group = scope.create_group()
    scope.create("security_group_rule", build_rule(group, 1))
    scope.create_port()
    after = read_quota(scope)
    kinds = ("port", "security_group", "security_group_rule")
    return [{kind: after[kind]["used"] - before[kind]["used"] for kind in kinds}, sorted(after["port"])]


@area.rule_of_scope([refuse("security_group_rule"), EXISTS], alone=True)
def at_the_quota_nobody_learns_that_a_rule_is_there(scope: CloudScope) -> Observation:
    group = scope.create_group()
    rule = build_rule(group, 1)
    scope.create("security_group_rule", rule)
    with scope.cloud.operator.limit_quota("rules", count_used(scope, "security_group_rule")):
        refused = scope.request_creation("security_group_rule", rule)
    return [format_answer(refused), format_answer(scope.request_creation("security_group_rule", rule))]


@area.rule_of_scope(
    [refuse("port"), "404 SecurityGroupNotFound: Security group <id> does not exist"], alone=True
)
def at_the_quota_nobody_learns_that_a_group_is_missing(scope: CloudScope) -> Observation:
    values = {"network_id": scope.find_network(), "security_groups": [UNKNOWN]}
    with scope.cloud.operator.limit_quota("ports", count_used(scope, "port")):
        refused = scope.request_creation("port", values)
    return [format_answer(refused), format_answer(scope.request_creation("port", values))]
