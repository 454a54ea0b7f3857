"""Neutron: rules of security groups, which a change of a CIDR replaces."""

from __future__ import annotations

from typing import Any

from tests.contract.cloud.client import NETWORK, format_answer
from tests.contract.cloud.rule_area import CloudRuleArea
from tests.contract.cloud.scope import CloudScope
from tests.contract.rule import Observation

area = CloudRuleArea("rules of security groups")
RULE = {
    "direction": "ingress",
    "ethertype": "IPv4",
    "protocol": "tcp",
    "port_range_min": 3306,
    "port_range_max": 3306,
    "remote_ip_prefix": "10.0.0.0/8",
}
SAME_RULE = "409 SecurityGroupRuleExists: Security group rule already exists. Rule id is <id>."
INVALID_RANGE = (
    "400 SecurityGroupInvalidPortRange: For TCP/UDP protocols, port_range_min must be <= port_range_max"
)
PATH = "/v2.0/security-group-rules"
UNKNOWN = "00000000-0000-0000-0000-000000000001"


def add_rule(scope: CloudScope, group: str, **values: Any) -> str:
    rule = {"security_group_id": group, **RULE, **values}
    return format_answer(scope.request_creation("security_group_rule", rule))


@area.rule_of_scope(["201", SAME_RULE])
def the_same_rule_again_is_refused_with_the_id_of_the_first(scope: CloudScope) -> Observation:
    group = scope.create_group()
    return [add_rule(scope, group), add_rule(scope, group)]


@area.rule_of_scope(["201", SAME_RULE])
def another_description_makes_no_other_rule(scope: CloudScope) -> Observation:
    group = scope.create_group()
    return [add_rule(scope, group, description="one"), add_rule(scope, group, description="other")]


@area.rule_of_scope(["201", SAME_RULE, SAME_RULE])
def a_protocol_by_its_number_is_the_same_rule(scope: CloudScope) -> Observation:
    group = scope.create_group()
    return [add_rule(scope, group), add_rule(scope, group, protocol="6"), add_rule(scope, group, protocol=6)]


@area.rule_of_scope(["201", SAME_RULE])
def any_network_and_none_are_the_same_rule(scope: CloudScope) -> Observation:
    group = scope.create_group()
    prefixes = ("0.0.0.0/0", None)
    return [add_rule(scope, group, remote_ip_prefix=prefix) for prefix in prefixes]


@area.rule_of_scope(["201", "201", ["10.1.2.3/8", "10.0.0.0/8"]])
def a_prefix_with_host_bits_is_kept_and_is_another_rule(scope: CloudScope) -> Observation:
    group = scope.create_group()
    answers = [add_rule(scope, group), add_rule(scope, group, remote_ip_prefix="10.1.2.3/8")]
    rules = scope.show("security_group", group)["security_group_rules"]
    given = next(each for each in rules if each["remote_ip_prefix"] == "10.1.2.3/8")
    return [*answers, [given["remote_ip_prefix"], given["normalized_cidr"]]]


@area.rule_of_scope(["10.1.2.3/32", "fd00::/64"])
def a_prefix_is_shown_with_its_length(scope: CloudScope) -> Observation:
    group = scope.create_group()
    rules = [
        {"security_group_id": group, **RULE, "remote_ip_prefix": "10.1.2.3"},
        {"security_group_id": group, **RULE, "remote_ip_prefix": "FD00::/64", "ethertype": "IPv6"},
    ]
    return [scope.create("security_group_rule", rule)["remote_ip_prefix"] for rule in rules]


@area.rule_of_scope(
    [
        "400 SecurityGroupInvalidPortValue: Invalid value for port 0",
        "400 SecurityGroupInvalidPortValue: Invalid value for port 65536",
        "400 SecurityGroupInvalidPortValue: Invalid value for port many",
        INVALID_RANGE,
        INVALID_RANGE,
        "400 SecurityGroupProtocolRequiredWithPorts: Must also specify protocol if port range is given.",
        "400 SecurityGroupInvalidProtocolForPort: Ports cannot be specified for protocol 47. Ports are only supported "
        "for DCCP, SCTP, TCP, UDP, UDPLITE.",
    ]
)
def ports_make_a_range(scope: CloudScope) -> Observation:
    group = scope.create_group()
    ranges: tuple[dict[str, Any], ...] = (
        *({"port_range_min": port, "port_range_max": port} for port in (0, 65536, "many")),
        {"port_range_min": 10, "port_range_max": 5},
        {"port_range_min": 10, "port_range_max": None},
        {"protocol": None},
        {"protocol": "gre"},
    )
    return [add_rule(scope, group, **each) for each in ranges]


@area.rule_of_scope([3306, 3306, SAME_RULE])
def a_port_may_be_a_text_of_digits(scope: CloudScope) -> Observation:
    group = scope.create_group()
    rule = {**RULE, "security_group_id": group, "port_range_min": "3306", "port_range_max": "3306"}
    created = scope.create("security_group_rule", rule)
    return [created["port_range_min"], created["port_range_max"], add_rule(scope, group)]


@area.rule_of_scope(["201", [None, None]])
def all_ports_are_no_range(scope: CloudScope) -> Observation:
    group = scope.create_group()
    answer = add_rule(scope, group, port_range_min=1, port_range_max=65535)
    rules = scope.show("security_group", group)["security_group_rules"]
    made = next(each for each in rules if each["direction"] == "ingress")
    return [answer, [made["port_range_min"], made["port_range_max"]]]


@area.rule_of_scope(
    [
        "201",
        "400 SecurityGroupInvalidIcmpValue: Invalid value for ICMP type (port_range_min) 256. It must be 0 to 255.",
        "400 SecurityGroupMissingIcmpType: ICMP code (port-range-max) 0 is provided but ICMP type (port-range-min) is "
        "missing.",
    ]
)
def the_ports_of_icmp_are_its_type_and_code(scope: CloudScope) -> Observation:
    group = scope.create_group()
    ranges = ((8, None), (256, None), (None, 0))
    return [
        add_rule(scope, group, protocol="icmp", port_range_min=kind, port_range_max=code)
        for kind, code in ranges
    ]


@area.rule_of_scope(
    [
        "400 InvalidCIDR: Invalid CIDR nonsense given as IP prefix.",
        "400 SecurityGroupRuleParameterConflict: Conflicting value ethertype IPv4 for CIDR fd00::/64",
        "400 SecurityGroupMultipleRemoteEntites: Only one of remote_ip_prefix or remote_group_id or "
        "remote_address_group_id may be provided.",
        "404 SecurityGroupNotFound: Security group <id> does not exist",
    ]
)
def a_rule_names_one_remote_that_fits(scope: CloudScope) -> Observation:
    group = scope.create_group()
    return [
        add_rule(scope, group, remote_ip_prefix="nonsense"),
        add_rule(scope, group, remote_ip_prefix="fd00::/64"),
        add_rule(scope, group, remote_group_id=group),
        add_rule(scope, group, remote_ip_prefix=None, remote_group_id=UNKNOWN),
    ]


@area.rule_of_scope(
    [
        "400 HTTPBadRequest: Invalid input for direction. Reason: inwards is not in valid_values.",
        "400 SecurityGroupRuleInvalidEtherType: Security group rule for ethertype 'IPv5' not supported. Allowed values "
        "are ['IPv4', 'IPv6'].",
        "400 SecurityGroupRuleInvalidProtocol: Security group rule protocol nonsense not supported",
        "400 SecurityGroupEthertypeConflictWithProtocol: Invalid ethertype IPv4 for protocol ipv6-icmp.",
        "400 HTTPBadRequest: Unrecognized attribute(s) 'colour'",
    ]
)
def a_rule_with_an_unknown_word_is_refused(scope: CloudScope) -> Observation:
    group = scope.create_group()
    return [
        add_rule(scope, group, direction="inwards"),
        add_rule(scope, group, ethertype="IPv5"),
        add_rule(scope, group, protocol="nonsense").partition(". Only")[0],
        add_rule(scope, group, protocol="ipv6-icmp", port_range_min=None, port_range_max=None),
        add_rule(scope, group, colour="red"),
    ]


@area.rule_of_scope(
    [
        "404 SecurityGroupNotFound: Security group <id> does not exist",
        "400 HTTPBadRequest: Failed to parse request. Required attribute 'security_group_id' not specified",
        "400 HTTPBadRequest: Failed to parse request. Required attribute 'direction' not specified",
    ]
)
def a_rule_needs_a_group_and_a_direction(scope: CloudScope) -> Observation:
    group = scope.create_group()
    bodies = ({"direction": "ingress"}, {"security_group_id": group})
    answers = (scope.request_creation("security_group_rule", body) for body in bodies)
    return [add_rule(scope, UNKNOWN), *map(format_answer, answers)]


FIELDS = [
    *("created_at", "description", "direction", "ethertype", "id", "normalized_cidr", "port_range_max"),
    *("port_range_min", "project_id", "protocol", "remote_address_group_id", "remote_group_id"),
    *("remote_ip_prefix", "revision_number", "security_group_id", "tenant_id", "updated_at"),
]


@area.rule_of_scope(FIELDS, ["belongs_to_default_sg", *FIELDS])
def a_rule_s_fields(scope: CloudScope) -> Observation:
    group = scope.create_group()
    return sorted(scope.create("security_group_rule", {"security_group_id": group, **RULE}))


@area.rule_of_scope(["clients", ""])
def a_rule_keeps_its_description(scope: CloudScope) -> Observation:
    group = scope.create_group()
    rules = (
        {"security_group_id": group, **RULE, "description": "clients"},
        {"security_group_id": group, "direction": "ingress", "ethertype": "IPv6"},
    )
    return [scope.create("security_group_rule", rule)["description"] for rule in rules]


@area.rule_of_scope(
    ["500 HTTPInternalServerError: Request Failed: internal server error while processing your request."]
)
def a_rule_cannot_be_changed(scope: CloudScope) -> Observation:
    group = scope.create_group()
    rule = scope.create("security_group_rule", {"security_group_id": group, **RULE})["id"]
    body = {"security_group_rule": {"description": "other"}}
    return [format_answer(scope.send(NETWORK, "PUT", f"{PATH}/{rule}", body))]


@area.rule_of_scope(["204", "404 SecurityGroupRuleNotFound: Security group rule <id> does not exist", "404"])
def a_rule_is_deleted_once(scope: CloudScope) -> Observation:
    group = scope.create_group()
    rule = str(scope.create("security_group_rule", {"security_group_id": group, **RULE})["id"])
    answers = [scope.delete("security_group_rule", rule) for _ in range(2)]
    shown = scope.send(NETWORK, "GET", f"{PATH}/{rule}")
    return [*map(format_answer, answers), str(shown.status_code)]


@area.rule_of_scope(["204", "201", 3])
def the_rules_of_a_group_in_use_are_changed_by_deletion_and_creation(scope: CloudScope) -> Observation:
    group = scope.create_group()
    rule = str(scope.create("security_group_rule", {"security_group_id": group, **RULE})["id"])
    scope.create_port(security_groups=[group])
    removed = scope.delete("security_group_rule", rule)
    added = add_rule(scope, group, remote_ip_prefix="10.0.0.0/16")
    return [format_answer(removed), added, len(list_rules(scope, group))]


def list_rules(scope: CloudScope, group: str) -> list[dict[str, Any]]:
    return list(scope.read(NETWORK, f"{PATH}?security_group_id={group}")["security_group_rules"])


def add_rules(scope: CloudScope, *rules: dict[str, Any]) -> str:
    return format_answer(scope.send(NETWORK, "POST", PATH, {"security_group_rules": list(rules)}))


@area.rule_of_scope(["201", 4])
def several_rules_are_made_in_one_request(scope: CloudScope) -> Observation:
    group = scope.create_group()
    rules = [{"security_group_id": group, **RULE, "remote_ip_prefix": f"10.{each}.0.0/16"} for each in (1, 2)]
    return [add_rules(scope, *rules), len(list_rules(scope, group))]


@area.rule_of_scope(
    [
        SAME_RULE,
        "409 DuplicateSecurityGroupRuleInPost: Duplicate Security Group Rule in POST.",
        "400 InvalidCIDR: Invalid CIDR nonsense given as IP prefix.",
        "400 SecurityGroupNotSingleGroupRules: Only allowed to update rules for one security profile at a time",
        3,
    ]
)
def of_several_rules_all_or_none_are_made(scope: CloudScope) -> Observation:
    group, other = scope.create_group(), scope.create_group()
    first = {"security_group_id": group, **RULE}
    second = {**first, "remote_ip_prefix": "10.2.0.0/16"}
    add_rule(scope, group)
    return [
        add_rules(scope, second, first),
        add_rules(scope, second, second),
        add_rules(scope, second, {**first, "remote_ip_prefix": "nonsense"}),
        add_rules(scope, second, {**first, "security_group_id": other}),
        len(list_rules(scope, group)),
    ]


@area.rule_of_scope(
    [
        "::ffff:10.0.0.0/104",
        "::10.0.0.0/104",
        "400 InvalidCIDR: Invalid CIDR fe80::%eth0/64 given as IP prefix.",
    ]
)
def an_ipv4_address_in_ipv6_has_its_dots_and_no_address_a_scope(scope: CloudScope) -> Observation:
    group = scope.create_group()
    rule = {**RULE, "security_group_id": group, "ethertype": "IPv6"}
    created = (
        scope.create("security_group_rule", {**rule, "remote_ip_prefix": prefix})
        for prefix in ("::ffff:a00:0/104", "::a00:0/104")
    )
    shown = [each["remote_ip_prefix"] for each in created]
    return [*shown, add_rule(scope, group, ethertype="IPv6", remote_ip_prefix="fe80::%eth0/64")]
