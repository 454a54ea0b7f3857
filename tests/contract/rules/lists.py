"""The list of stacks, and the ways that lead to one."""

from __future__ import annotations

from urllib.parse import urlsplit

from tests.contract.heat import Heat, Stack, said
from tests.contract.rule import Area, Observation
from tests.contract.rules.reads import at_rest
from tests.contract.templates import cfn, value

area = Area("finding stacks")


def listed(heat: Heat, query: str) -> list[str]:
    """The names in a stack list."""
    return [row["stack_name"] for row in heat.ask("GET", f"/stacks?{query}").json()["stacks"]]


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
def a_row_of_the_stack_list_has_these_keys(heat: Heat) -> Observation:
    stack = at_rest(heat)
    return sorted(stack.row())


@area.rule([True, True, True])
def the_list_takes_one_name_or_several(heat: Heat) -> Observation:
    first, second = at_rest(heat), heat.stack(cfn(V=value())).settled()
    found = set(listed(heat, f"name={first.name}&name={second.name}"))
    return [
        listed(heat, f"name={first.name}") == [first.name],
        found == {first.name, second.name},
        listed(heat, "name=nobody") == [],
    ]


@area.rule([1, 0, 0])
def the_list_takes_a_status(heat: Heat) -> Observation:
    name = at_rest(heat).name
    return [
        len(listed(heat, f"name={name}&status={status}")) for status in ("COMPLETE", "FAILED", "complete")
    ]


@area.rule(1)
def the_list_takes_several_statuses(heat: Heat) -> Observation:
    name = at_rest(heat).name
    return len(listed(heat, f"name={name}&status=FAILED&status=COMPLETE"))


@area.rule([1, 0])
def the_list_takes_an_id_and_an_action(heat: Heat) -> Observation:
    stack = at_rest(heat)
    return [len(listed(heat, f"id={stack.id}&action={action}")) for action in ("CREATE", "UPDATE")]


@area.rule([1, "400 HTTPBadRequest: Only integer is acceptable by 'limit'."])
def the_list_takes_a_limit(heat: Heat) -> Observation:
    at_rest(heat)
    return [len(listed(heat, "limit=1")), said(heat.ask("GET", "/stacks?limit=many"))]


@area.rule(True)
def the_list_overlooks_a_filter_that_it_does_not_know(heat: Heat) -> Observation:
    name = at_rest(heat).name
    return listed(heat, f"name={name}&colour=red") == [name]


def led(stack: Stack, below: str) -> str:
    """Where a name alone leads."""
    answer = stack.heat.ask("GET", f"/stacks/{stack.name}{below}")
    there = urlsplit(answer.headers.get("Location", ""))
    return stack.anonymous(f"{answer.status_code} {there.path.partition('/stacks')[2]} {there.query}").strip()


def leads(below: str, says: str) -> None:
    area.add(
        f"a name alone is led to the stack: {below or 'the stack itself'}",
        lambda heat: led(at_rest(heat), below),
        says,
    )


leads("", "302 /<stack>/<id>")


leads("?resolve_outputs=false", "302 /<stack>/<id> resolve_outputs=false")


leads("/resources", "302 /<stack>/<id>/resources")


leads("/events", "302 /<stack>/<id>/events")


leads("/template", "302 /<stack>/<id>/template")


leads("/environment", "302 /<stack>/<id>/environment")


leads("/outputs", "404")


@area.rule(302)
def an_id_alone_leads_there_too(heat: Heat) -> Observation:
    return heat.ask("GET", f"/stacks/{at_rest(heat).id}").status_code


@area.rule("404 EntityNotFound: The Stack (nobody) could not be found.")
def a_name_that_is_not_there_is_not_found(heat: Heat) -> Observation:
    return said(heat.ask("GET", "/stacks/nobody"))


@area.rule("404 EntityNotFound: The Stack (<stack>) could not be found.")
def a_wrong_id_under_a_right_name_is_not_found(heat: Heat) -> Observation:
    name = at_rest(heat).name
    return said(heat.ask("GET", f"/stacks/{name}/00000000-0000-0000-0000-000000000000"))


@area.rule("404 EntityNotFound: The Stack (nobody) could not be found.")
def a_right_id_under_a_wrong_name_is_not_found(heat: Heat) -> Observation:
    return said(heat.ask("GET", f"/stacks/nobody/{at_rest(heat).id}"))
