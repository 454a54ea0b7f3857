"""Neutron: security groups."""

from __future__ import annotations

from typing import Any

from tests.contract.cloud.client import NETWORK, build_name, format_answer
from tests.contract.cloud.rule_area import CloudRuleArea
from tests.contract.cloud.scope import CloudScope
from tests.contract.rule import Observation

area = CloudRuleArea("security groups")
PATH = "/v2.0/security-groups"
UNKNOWN = "00000000-0000-0000-0000-000000000001"
MISSING = "404 SecurityGroupNotFound: Security group <id> does not exist"
DEFAULT_EXISTS = "409 SecurityGroupDefaultAlreadyExists: Default security group already exists."
LONG = "x" * 256


def request_group(scope: CloudScope, **values: Any) -> str:
    return format_answer(scope.request_creation("security_group", values))


def change_group(scope: CloudScope, group: str, headers: dict[str, str] | None = None, **values: Any) -> str:
    body = {"security_group": values}
    return format_answer(scope.send(NETWORK, "PUT", f"{PATH}/{group}", body, headers=headers))


def find_default_group(scope: CloudScope) -> dict[str, Any]:
    return dict(scope.read(NETWORK, f"{PATH}?name=default")["security_groups"][0])


@area.rule_of_scope([["egress", "IPv4", None, None], ["egress", "IPv6", None, None]])
def a_new_group_has_two_rules_for_what_goes_out(scope: CloudScope) -> Observation:
    rules = scope.create("security_group", {"name": build_name()})["security_group_rules"]
    names = ("direction", "ethertype", "protocol", "remote_group_id")
    return sorted([each[name] for name in names] for each in rules)


@area.rule_of_scope(
    [
        *("created_at", "description", "id", "name", "project_id", "revision_number", "security_group_rules"),
        *("shared", "stateful", "tags", "tenant_id", "updated_at"),
    ]
)
def a_group_s_fields(scope: CloudScope) -> Observation:
    return sorted(scope.create("security_group", {"name": build_name()}))


@area.rule_of_scope(2)
def two_groups_have_the_same_name(scope: CloudScope) -> Observation:
    name = build_name()
    for _ in range(2):
        scope.create_group(name=name)
    return len(scope.read(NETWORK, f"{PATH}?name={name}")["security_groups"])


@area.rule_of_scope([DEFAULT_EXISTS, DEFAULT_EXISTS, DEFAULT_EXISTS])
def no_second_group_is_called_default(scope: CloudScope) -> Observation:
    group = scope.create_group()
    named = (request_group(scope, name=name) for name in ("default", "Default"))
    return [*named, change_group(scope, group, name="default")]


@area.rule_of_scope(
    [
        "",
        "201",
        f"400 HTTPBadRequest: Invalid input for name. Reason: '{LONG}' exceeds maximum length of 255.",
        "400 HTTPBadRequest: Invalid input for name. Reason: 'None' is not a valid string.",
    ]
)
def a_name_is_a_text_of_up_to_255_characters(scope: CloudScope) -> Observation:
    nameless = scope.create("security_group", {})["name"]
    return [nameless, *(request_group(scope, name=name) for name in (LONG[1:], LONG, None))]


@area.rule_of_scope(
    [
        "201",
        f"400 HTTPBadRequest: Invalid input for description. Reason: '{LONG}' exceeds maximum length of 255.",
        "400 HTTPBadRequest: Invalid input for description. Reason: 'None' is not a valid string.",
    ]
)
def a_description_is_a_text_of_up_to_255_characters(scope: CloudScope) -> Observation:
    return [request_group(scope, description=text) for text in (LONG[1:], LONG, None)]


@area.rule_of_scope(
    [
        "400 HTTPBadRequest: Unrecognized attribute(s) 'colour'",
        "400 HTTPBadRequest: Attribute 'tags' not allowed in POST",
        "400 HTTPBadRequest: Unrecognized attribute(s) 'colour'",
        "400 HTTPBadRequest: Unable to find 'security_group' in request body",
    ]
)
def an_unknown_attribute_of_a_group_is_refused(scope: CloudScope) -> Observation:
    empty = scope.send(NETWORK, "POST", PATH, {"group": {}})
    return [
        request_group(scope, colour="red"),
        request_group(scope, tags=["red"]),
        change_group(scope, scope.create_group(), colour="red"),
        format_answer(empty),
    ]


@area.rule_of_scope(
    [MISSING, "404 SecurityGroupNotFound: Security group nowhere does not exist", MISSING, MISSING]
)
def an_unknown_group_is_not_found(scope: CloudScope) -> Observation:
    shown = (scope.send(NETWORK, "GET", f"{PATH}/{group}") for group in (UNKNOWN, "nowhere"))
    removed = scope.delete("security_group", UNKNOWN)
    return [*map(format_answer, shown), format_answer(removed), change_group(scope, UNKNOWN, name="a")]


@area.rule_of_scope(["200", ["other", "what for"]])
def a_group_is_renamed_in_place(scope: CloudScope) -> Observation:
    group = scope.create_group()
    answer = change_group(scope, group, name="other", description="what for")
    shown = scope.show("security_group", group)
    return [answer, [shown["name"], shown["description"]]]


@area.rule_of_scope(["204", MISSING])
def a_group_is_deleted_at_once(scope: CloudScope) -> Observation:
    group = scope.create_group()
    return [format_answer(scope.delete("security_group", group)) for _ in range(2)]


@area.rule_of_scope(["409 SecurityGroupInUse: Security Group <id> in use.", "204"])
def a_group_of_a_port_cannot_be_deleted(scope: CloudScope) -> Observation:
    group = scope.create_group()
    port = scope.create_port(security_groups=[group])
    answer = scope.delete("security_group", group)
    scope.delete("port", port)
    return [format_answer(answer), format_answer(scope.delete("security_group", group))]


@area.rule_of_scope(
    [
        "409 SecurityGroupCannotRemoveDefault: Insufficient rights for removing default security group.",
        "409 SecurityGroupCannotUpdateDefault: Updating default security group not allowed.",
        "Default security group",
    ],
    alone=True,
)
def the_default_group_is_neither_deleted_nor_renamed(scope: CloudScope) -> Observation:
    group = find_default_group(scope)
    answers = [
        format_answer(scope.delete("security_group", group["id"])),
        change_group(scope, group["id"], name="a"),
    ]
    return [*answers, group["description"]]


@area.rule_of_scope(
    [
        ["egress", "IPv4", False],
        ["egress", "IPv6", False],
        ["ingress", "IPv4", True],
        ["ingress", "IPv6", True],
    ]
)
def the_default_group_lets_its_own_members_in(scope: CloudScope) -> Observation:
    group = find_default_group(scope)
    return sorted(
        [each["direction"], each["ethertype"], each["remote_group_id"] == group["id"]]
        for each in group["security_group_rules"]
    )


@area.rule_of_scope(["201", "204", 2])
def a_deleted_group_takes_the_rules_of_others_that_name_it_with_it(scope: CloudScope) -> Observation:
    group, named = scope.create_group(), scope.create_group()
    rule = {"security_group_id": group, "direction": "ingress", "remote_group_id": named}
    answers = [scope.request_creation("security_group_rule", rule), scope.delete("security_group", named)]
    left = scope.show("security_group", group)["security_group_rules"]
    return [*map(format_answer, answers), len(left)]


@area.rule_of_scope([1, 0, 1, [["id"]], 2])
def groups_are_listed_by_their_attributes(scope: CloudScope) -> Observation:
    name = build_name()
    group = scope.create_group(name=name, description=f"for {name}")
    other = scope.create_group()
    queries = (f"name={name}", f"name={name}x", f"description=for {name}", f"name={name}&fields=id")
    found = [scope.read(NETWORK, f"{PATH}?{query}")["security_groups"] for query in queries]
    both = scope.read(NETWORK, f"{PATH}?id={group}&id={other}")["security_groups"]
    return [*map(len, found[:3]), [sorted(each) for each in found[3]], len(both)]


@area.rule_of_scope("400 HTTPBadRequest: ['colour'] is invalid attribute for filtering")
def an_unknown_filter_of_groups_is_refused(scope: CloudScope) -> Observation:
    return format_answer(scope.send(NETWORK, "GET", f"{PATH}?colour=red"))


@area.rule_of_scope(
    [True, "412 RevisionNumberConstraintFailed: Constrained to 0, but current revision is N", "200"]
)
def a_change_that_is_bound_to_a_revision_is_refused_when_there_is_another(scope: CloudScope) -> Observation:
    group = scope.create_group()
    before = scope.show("security_group", group)["revision_number"]
    stale = change_group(scope, group, {"If-Match": "revision_number=0"}, description="a")
    fresh = change_group(scope, group, {"If-Match": f"revision_number={before}"}, description="a")
    after = scope.show("security_group", group)["revision_number"]
    return [after > before, stale.replace(f"is {before}", "is N"), fresh]


@area.rule_of_scope(["409 SecurityGroupInUse: Security Group <id> in use.", "200", False])
def a_group_in_use_stays_stateful(scope: CloudScope) -> Observation:
    group = scope.create_group()
    port = scope.create_port(security_groups=[group])
    refused = change_group(scope, group, stateful=False)
    scope.delete("port", port)
    changed = change_group(scope, group, stateful=False)
    return [refused, changed, scope.show("security_group", group)["stateful"]]


@area.rule_of_scope([200, 1])
def a_page_after_a_group_that_is_gone_is_the_first_one(scope: CloudScope) -> Observation:
    """Neutron does not say that the list has changed meanwhile, as it does for ports."""
    name = build_name()
    scope.create_group(name=name)
    answer = scope.send(NETWORK, "GET", f"{PATH}?name={name}&limit=1&marker={UNKNOWN}")
    return [answer.status_code, len(answer.json()["security_groups"])]
