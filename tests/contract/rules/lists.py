"""The list of stacks, and redirects to a stack."""

from __future__ import annotations

from urllib.parse import urlsplit

from tests.contract.heat import ContractStack, HeatClient, format_response
from tests.contract.heat_rule_area import HeatRuleArea
from tests.contract.rule import Observation
from tests.contract.rules.reads import get_settled_stack
from tests.contract.templates import cfn, value

area = HeatRuleArea("finding stacks")


def list_stack_names(heat: HeatClient, query: str) -> list[str]:
    """Return the names in a stack list."""
    return [row["stack_name"] for row in heat.request("GET", f"/stacks?{query}").json()["stacks"]]


@area.rule(
    [
        "creation_time",
        "deletion_time",
        "description",
        "id",
        "links",
        "parent",
        "stack_name",
        "stack_owner",
        "stack_status",
        "stack_status_reason",
        "stack_user_project_id",
        "tags",
        "updated_time",
    ]
)
def a_row_of_the_stack_list_has_these_keys(heat: HeatClient) -> Observation:
    stack = get_settled_stack(heat)
    return sorted(stack.read_row())


@area.rule([True, True, True])
def the_list_takes_one_name_or_several(heat: HeatClient) -> Observation:
    first, second = get_settled_stack(heat), heat.create_stack(cfn(V=value())).wait_until_settled()
    names = set(list_stack_names(heat, f"name={first.name}&name={second.name}"))
    return [
        list_stack_names(heat, f"name={first.name}") == [first.name],
        names == {first.name, second.name},
        list_stack_names(heat, "name=nobody") == [],
    ]


@area.rule([1, 0, 0])
def the_list_takes_a_status(heat: HeatClient) -> Observation:
    name = get_settled_stack(heat).name
    return [
        len(list_stack_names(heat, f"name={name}&status={status}"))
        for status in ("COMPLETE", "FAILED", "complete")
    ]


@area.rule(1)
def the_list_takes_several_statuses(heat: HeatClient) -> Observation:
    name = get_settled_stack(heat).name
    return len(list_stack_names(heat, f"name={name}&status=FAILED&status=COMPLETE"))


@area.rule([1, 0])
def the_list_takes_an_id_and_an_action(heat: HeatClient) -> Observation:
    stack = get_settled_stack(heat)
    return [len(list_stack_names(heat, f"id={stack.id}&action={action}")) for action in ("CREATE", "UPDATE")]


@area.rule([1, "400 HTTPBadRequest: Only integer is acceptable by 'limit'."])
def the_list_takes_a_limit(heat: HeatClient) -> Observation:
    get_settled_stack(heat)
    return [
        len(list_stack_names(heat, "limit=1")),
        format_response(heat.request("GET", "/stacks?limit=many")),
    ]


@area.rule(True)
def the_list_ignores_an_unknown_filter(heat: HeatClient) -> Observation:
    name = get_settled_stack(heat).name
    return list_stack_names(heat, f"name={name}&colour=red") == [name]


def read_redirect(stack: ContractStack, below: str) -> str:
    """Return the target of the redirect for a name."""
    answer = stack.heat.request("GET", f"/stacks/{stack.name}{below}")
    location = urlsplit(answer.headers.get("Location", ""))
    return stack.mask_ids(
        f"{answer.status_code} {location.path.partition('/stacks')[2]} {location.query}"
    ).strip()


def add_redirect_rule(below: str, says: str) -> None:
    area.add(
        f"a name alone is led to the stack: {below or 'the stack itself'}",
        lambda heat: read_redirect(get_settled_stack(heat), below),
        says,
    )


add_redirect_rule("", "302 /<stack>/<id>")


add_redirect_rule("?resolve_outputs=false", "302 /<stack>/<id> resolve_outputs=false")


add_redirect_rule("/resources", "302 /<stack>/<id>/resources")


add_redirect_rule("/events", "302 /<stack>/<id>/events")


add_redirect_rule("/template", "302 /<stack>/<id>/template")


add_redirect_rule("/environment", "302 /<stack>/<id>/environment")


add_redirect_rule("/outputs", "404")


@area.rule(302)
def an_id_alone_leads_there_too(heat: HeatClient) -> Observation:
    return heat.request("GET", f"/stacks/{get_settled_stack(heat).id}").status_code


@area.rule("404 EntityNotFound: The Stack (nobody) could not be found.")
def a_name_that_is_not_there_is_not_found(heat: HeatClient) -> Observation:
    return format_response(heat.request("GET", "/stacks/nobody"))


@area.rule("404 EntityNotFound: The Stack (<stack>) could not be found.")
def a_wrong_id_under_a_right_name_is_not_found(heat: HeatClient) -> Observation:
    name = get_settled_stack(heat).name
    return format_response(heat.request("GET", f"/stacks/{name}/00000000-0000-0000-0000-000000000000"))


@area.rule("404 EntityNotFound: The Stack (nobody) could not be found.")
def a_right_id_under_a_wrong_name_is_not_found(heat: HeatClient) -> Observation:
    return format_response(heat.request("GET", f"/stacks/nobody/{get_settled_stack(heat).id}"))
