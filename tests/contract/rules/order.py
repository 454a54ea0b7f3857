"""The order in which Heat handles resources, from the events of a stack."""

from __future__ import annotations

from tests.contract.guest import put_signal, signal_handle
from tests.contract.heat import ContractStack, Document, HeatClient
from tests.contract.heat_rule_area import HeatRuleArea
from tests.contract.rule import Observation
from tests.contract.templates import att, cfn, condition, handle, node_key, random_string, ref, value

area = HeatRuleArea("order and events")


def list_order(stack: ContractStack, status: str, *names: str) -> list[str]:
    """Return the named resources in the order in which they reached a status."""
    return [
        name
        for name, event_status in stack.list_events()
        if event_status == status and (name in names or not names)
    ]


def list_create_order(heat: HeatClient, template: Document, *names: str) -> list[str]:
    return list_order(heat.create_stack(template).wait_until_settled(), "CREATE_COMPLETE", *names)


@area.rule(["A", "B", "C", "stack"])
def a_dependency_is_an_order(heat: HeatClient) -> Observation:
    return list_create_order(heat, cfn(C=value(DependsOn=["A", "B"]), B=value(DependsOn="A"), A=value()))


@area.rule(["R", "V", "stack"])
def a_property_that_refers_is_an_order(heat: HeatClient) -> Observation:
    return list_create_order(heat, cfn(V=value(ref("R")), R=random_string()))


@area.rule(["R", "V", "stack"])
def an_attribute_in_a_function_is_an_order(heat: HeatClient) -> Observation:
    return list_create_order(heat, cfn(V=value({"Fn::Join": ["", [att("R", "value")]]}), R=random_string()))


@area.rule(["R", "V", "stack"])
def metadata_that_refers_is_an_order(heat: HeatClient) -> Observation:
    return list_create_order(
        heat, cfn(V=value(Metadata={"deep": [{"password": ref("R")}]}), R=random_string())
    )


@area.rule(["KeyPolicy", "KeyUser", "Key", "stack"])
def a_node_s_key_is_created_after_its_user_and_policy(heat: HeatClient) -> Observation:
    names = ("KeyPolicy", "KeyUser", "Key", "stack")
    return list_create_order(heat, cfn(V=value(), **node_key("V")), *names)


@area.rule(
    [
        ("stack", "CREATE_IN_PROGRESS"),
        ("V", "CREATE_IN_PROGRESS"),
        ("V", "CREATE_COMPLETE"),
        ("stack", "CREATE_COMPLETE"),
    ]
)
def a_stack_s_events_start_and_end_with_its_own(heat: HeatClient) -> Observation:
    return heat.create_stack(cfn(V=value())).wait_until_settled().list_events()


@area.rule(["C", "B", "A", "stack"])
def a_deletion_has_the_reverse_order(heat: HeatClient) -> Observation:
    template = cfn(A=value(), B=value(DependsOn="A"), C=value(ref("B")))
    stack = heat.create_stack(template).wait_until_settled().delete().wait_until_settled()
    return list_order(stack, "DELETE_COMPLETE")


@area.rule(
    [
        ("stack", "UPDATE_IN_PROGRESS"),
        ("Newer", "DELETE_IN_PROGRESS"),
        ("Newer", "DELETE_COMPLETE"),
        ("Old", "DELETE_IN_PROGRESS"),
        ("Old", "DELETE_COMPLETE"),
        ("stack", "UPDATE_COMPLETE"),
    ]
)
def a_resource_is_deleted_before_those_it_depends_on(heat: HeatClient) -> Observation:
    stack = heat.create_stack(cfn(Old=value(), Newer=value(ref("Old")))).wait_until_settled()

    stack.update(cfn()).wait_until_settled()

    events = stack.list_events()
    return events[events.index(("stack", "UPDATE_IN_PROGRESS")) :]


@area.rule(
    [
        ("stack", "UPDATE_IN_PROGRESS"),
        ("Kept", "UPDATE_IN_PROGRESS"),
        ("Kept", "UPDATE_COMPLETE"),
        ("Old", "DELETE_IN_PROGRESS"),
        ("Old", "DELETE_COMPLETE"),
        ("stack", "UPDATE_COMPLETE"),
    ]
)
def a_removed_dependency_is_deleted_after_the_change(heat: HeatClient) -> Observation:
    stack = heat.create_stack(cfn(Old=value(), Kept=value(ref("Old")))).wait_until_settled()

    stack.update(cfn(Kept=value("nothing"))).wait_until_settled()

    events = stack.list_events()
    return events[events.index(("stack", "UPDATE_IN_PROGRESS")) :]


@area.rule(
    [
        ("stack", "UPDATE_IN_PROGRESS"),
        ("R", "UPDATE_IN_PROGRESS"),
        ("R", "UPDATE_COMPLETE"),
        ("R", "CREATE_IN_PROGRESS"),
        ("R", "CREATE_COMPLETE"),
        ("User", "UPDATE_IN_PROGRESS"),
        ("User", "UPDATE_COMPLETE"),
        ("R", "DELETE_IN_PROGRESS"),
        ("R", "DELETE_COMPLETE"),
        ("stack", "UPDATE_COMPLETE"),
    ]
)
def a_replaced_resource_is_deleted_after_its_dependents_are_updated(heat: HeatClient) -> Observation:
    def ring(length: int) -> Document:
        return cfn(R=random_string(length=length), User=value(ref("R")))

    stack = heat.create_stack(ring(12)).wait_until_settled().update(ring(13)).wait_until_settled()

    events = stack.list_events()
    return events[events.index(("stack", "UPDATE_IN_PROGRESS")) :]


@area.rule(
    [
        "SIGNAL_COMPLETE: Signal: status:SUCCESS reason:r",
        "CREATE_COMPLETE: state changed",
        "CREATE_IN_PROGRESS: state changed",
    ]
)
def a_signal_is_an_event_of_its_handle(heat: HeatClient) -> Observation:
    stack = signal_handle(heat.create_stack(cfn(H=handle())).wait_until_settled())

    rows = stack.read("/resources/H/events")["events"]
    return [f"{row['resource_status']}: {row['resource_status_reason']}" for row in rows]


@area.rule(["CREATE_COMPLETE: state changed", "CREATE_IN_PROGRESS: state changed"])
def a_refused_signal_is_no_event(heat: HeatClient) -> Observation:
    stack = heat.create_stack(cfn(H=handle())).wait_until_settled()
    put_signal(stack.read_handle_url("H"), {})

    rows = stack.read("/resources/H/events")["events"]
    return [f"{row['resource_status']}: {row['resource_status_reason']}" for row in rows]


@area.rule(
    ["CREATE_FAILED: WaitConditionTimeout: resources.W: 0 of 1 received", "CREATE_IN_PROGRESS: state changed"]
)
def a_failure_causes_an_event(heat: HeatClient) -> Observation:
    stack = heat.create_stack(cfn(H=handle(), W=condition(timeout=1))).wait_until_settled()

    rows = stack.read("/resources/W/events")["events"]
    return [f"{row['resource_status']}: {row['resource_status_reason']}" for row in rows]


@area.rule(["stack CREATE_COMPLETE", "stack CREATE_IN_PROGRESS"])
def events_are_listed_newest_first(heat: HeatClient) -> Observation:
    stack = heat.create_stack(cfn()).wait_until_settled()
    rows = stack.read("/events")["events"]
    return [
        stack.mask_ids(f"{row['resource_name']} {row['resource_status']}").replace("<stack>", "stack")
        for row in rows
    ]


@area.rule(
    [
        "event_time",
        "id",
        "links",
        "logical_resource_id",
        "physical_resource_id",
        "resource_name",
        "resource_status",
        "resource_status_reason",
    ]
)
def an_event_has_these_keys(heat: HeatClient) -> Observation:
    stack = heat.create_stack(cfn(V=value())).wait_until_settled()
    return sorted(stack.read("/events")["events"][0])
