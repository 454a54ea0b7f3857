"""Deletion: once, twice, in the middle of something, and what is left."""

from __future__ import annotations

from tests.contract.guest import body, signal
from tests.contract.heat import Heat, said
from tests.contract.rule import Area, Observation
from tests.contract.templates import cfn, condition, handle, random_string, value

area = Area("deletion")


@area.rule([204, "GONE"])
def a_stack_is_deleted(heat: Heat) -> Observation:
    stack = heat.stack(cfn(V=value())).settled()

    answer = stack.ask(method="DELETE")

    return [answer.status_code, stack.settled().state()]


@area.rule([200, "DELETE_COMPLETE", "Stack DELETE completed successfully"])
def a_deleted_stack_is_shown_by_its_id(heat: Heat) -> Observation:
    stack = heat.stack(cfn(V=value())).settled().delete().settled()

    shown = stack.ask("?resolve_outputs=false")
    return [
        shown.status_code,
        shown.json()["stack"]["stack_status"],
        shown.json()["stack"]["stack_status_reason"],
    ]


@area.rule("404 EntityNotFound: The Stack (<stack>) could not be found.")
def a_deleted_stack_is_not_found_by_its_name(heat: Heat) -> Observation:
    stack = heat.stack(cfn(V=value())).settled().delete().settled()
    return said(heat.ask("GET", f"/stacks/{stack.name}"))


@area.rule(["DELETE_COMPLETE"])
def a_deleted_stack_is_listed_where_asked_for(heat: Heat) -> Observation:
    stack = heat.stack(cfn(V=value())).settled().delete().settled()
    rows = heat.ask("GET", f"/stacks?show_deleted=true&id={stack.id}").json()["stacks"]
    return [row["stack_status"] for row in rows]


@area.rule("404 EntityNotFound: The Stack (<stack>) could not be found.")
def what_is_gone_is_not_deleted_again(heat: Heat) -> Observation:
    stack = heat.stack(cfn(V=value())).settled().delete().settled()
    return said(stack.ask(method="DELETE"))


@area.rule("404 EntityNotFound: The Stack (<stack>) could not be found.")
def an_update_of_what_is_gone_is_refused(heat: Heat) -> Observation:
    stack = heat.stack(cfn(V=value())).settled().delete().settled()
    return said(stack.ask(method="PUT", json={"template": cfn(V=value())}))


@area.rule([204, 204, "GONE"])
def a_deletion_may_be_asked_for_twice(heat: Heat) -> Observation:
    stack = heat.stack(cfn(A=value(), B=value(DependsOn="A"))).settled()

    answers = [stack.ask(method="DELETE").status_code for _ in range(2)]

    return [*answers, stack.settled().state()]


@area.rule("GONE")
def a_stack_whose_condition_waits_is_deleted_at_once(heat: Heat) -> Observation:
    stack = heat.stack(cfn(H=handle(), W=condition(timeout=3600))).until("W", "CREATE_IN_PROGRESS")
    return stack.delete().settled().state()


@area.rule("GONE")
def a_failed_stack_is_deleted(heat: Heat) -> Observation:
    stack = signal(heat.stack(cfn(H=handle(), W=condition())), "H", body("FAILURE")).settled()
    return stack.delete().settled().state()


@area.rule("GONE")
def a_stack_in_the_middle_of_an_update_is_deleted(heat: Heat) -> Observation:
    stack = heat.stack(cfn(V=value())).settled()
    stack.update(cfn(V=value(), H=handle(), W=condition())).until("W", "CREATE_IN_PROGRESS")
    return stack.delete().settled().state()


@area.rule(["GONE", 201])
def a_name_is_free_when_its_stack_is_gone(heat: Heat) -> Observation:
    stack = heat.stack(cfn(V=value())).settled().delete().settled()
    again = {"stack_name": stack.name, "template": cfn(V=value())}
    return [stack.state(), heat.ask("POST", "/stacks", json=again).status_code]


@area.rule(
    [
        "GONE",
        [
            ("R", "CREATE_IN_PROGRESS"),
            ("R", "CREATE_COMPLETE"),
            ("R", "DELETE_IN_PROGRESS"),
            ("R", "DELETE_COMPLETE"),
        ],
    ]
)
def a_retained_resource_is_said_to_be_deleted(heat: Heat) -> Observation:
    stack = heat.stack(cfn(R=random_string(DeletionPolicy="Retain"))).settled().delete().settled()
    return [stack.state(), [each for each in stack.events() if each[0] == "R"]]


@area.rule("404 EntityNotFound: The Stack (nobody) could not be found.")
def nobody_cannot_be_deleted(heat: Heat) -> Observation:
    return said(heat.ask("DELETE", "/stacks/nobody/00000000-0000-0000-0000-000000000000"))


@area.rule(302)
def a_deletion_by_name_alone_is_led_to_the_stack(heat: Heat) -> Observation:
    stack = heat.stack(cfn(V=value())).settled()
    return heat.ask("DELETE", f"/stacks/{stack.name}").status_code
