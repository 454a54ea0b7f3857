"""Servers: what changes in place, what replaces one, and the metadata that their guests poll."""

from __future__ import annotations

import json
from typing import Any

from tests.contract.guest import Key, collected, metadata, put, signal
from tests.contract.heat import Document, Heat, Stack
from tests.contract.outcomes import IN_PLACE, REPLACED, UPDATED
from tests.contract.rule import Area, Observation
from tests.contract.templates import att, cfn, condition, h_typed, handle, hot, poller, ref, resource

area = Area("servers")
KEY = {"Key": ref("Key"), "KeySecret": att("Key", "SecretAccessKey")}


def instance(heat: Heat, about: Document | None = None, **properties: Any) -> Document:
    """A template with one server of the CFN dialect, and a key that polls its metadata."""
    around = {
        "ImageId": heat.scenery.image,
        "InstanceType": heat.scenery.flavor,
        "SubnetId": heat.subnet,
    }
    server = resource(
        "AWS::EC2::Instance",
        {**around, "UserData": "#!/bin/sh\n", **properties},
        {"Metadata": about or {"n": 1}},
    )
    return cfn({**KEY, "Ip": att("Node", "PrivateIp")}, Node=server, **poller("Node"))


def nova(heat: Heat, about: Document | None = None, **properties: Any) -> Document:
    """A template with one server of HOT that polls Heat for its metadata."""
    around = {
        "image": heat.scenery.image,
        "flavor": heat.scenery.flavor,
        "networks": [{"network": heat.scenery.network}],
        "user_data_format": "SOFTWARE_CONFIG",
        "software_config_transport": "POLL_SERVER_HEAT",
        "user_data_update_policy": "IGNORE",
    }
    server = h_typed("OS::Nova::Server", {**around, **properties}, metadata=about or {"n": 1})
    return hot({"config": {"get_attr": ["Node", "os_collect_config"]}}, Node=server)


def became(heat: Heat, before: Document, after: Document) -> Observation:
    """What an update did to the server, and whether it is the same one."""
    stack = heat.stack(before).settled()
    was = stack.physical("Node")
    stack.update(after).settled()
    return [stack.history("Node"), "the same" if stack.physical("Node") == was else "another"]


@area.rule([IN_PLACE, "the same"])
def an_instance_s_metadata_changes_in_place(heat: Heat) -> Observation:
    return became(heat, instance(heat), instance(heat, {"n": 2}))


@area.rule([IN_PLACE, "the same"])
def an_instance_is_resized_in_place(heat: Heat) -> Observation:
    return became(heat, instance(heat), instance(heat, InstanceType=heat.scenery.larger))


@area.rule([REPLACED, "another"])
def other_user_data_replaces_an_instance(heat: Heat) -> Observation:
    return became(heat, instance(heat), instance(heat, UserData="#!/bin/sh\ntrue\n"))


@area.rule([{"GuestAgent": {"Generation": 1}}, {"GuestAgent": {"Generation": 2}}])
def an_instance_s_metadata_is_polled_and_changes(heat: Heat) -> Observation:
    stack = heat.stack(instance(heat, {"GuestAgent": {"Generation": 1}})).settled()
    poll = Key.of(stack)
    first = metadata(poll.describe("Node"))

    stack.update(instance(heat, {"GuestAgent": {"Generation": 2}})).settled()

    return [first, metadata(poll.describe("Node"))]


@area.rule([{"n": 2}, UPDATED])
def changed_metadata_is_polled_while_the_update_goes_on(heat: Heat) -> Observation:
    stack = heat.stack(instance(heat)).settled()
    poll = Key.of(stack)
    after = instance(heat, {"n": 2})
    after["Resources"].update(H=handle(), W=condition(DependsOn="Node"))
    after["Outputs"]["H"] = {"Value": ref("H")}

    stack.update(after).until("W", "CREATE_IN_PROGRESS")
    seen = metadata(poll.describe("Node"))

    return [seen, signal(stack).outcome()]


@area.rule({"GuestAgent": {"Generation": 1, "Text": "ü $ %"}})
def the_cfn_collector_sees_an_instance_s_metadata(heat: Heat) -> Observation:
    about = {"GuestAgent": {"Generation": 1, "Text": "ü $ %"}}
    return Key.of(heat.stack(instance(heat, about)).settled()).collected("Node")


@area.rule([IN_PLACE, "the same"])
def a_server_s_metadata_changes_in_place(heat: Heat) -> Observation:
    return became(heat, nova(heat), nova(heat, {"n": 2}))


@area.rule([IN_PLACE, "the same"])
def a_server_is_resized_in_place(heat: Heat) -> Observation:
    return became(heat, nova(heat), nova(heat, flavor=heat.scenery.larger))


@area.rule([IN_PLACE, "the same"])
def other_user_data_is_ignored_where_the_policy_says_so(heat: Heat) -> Observation:
    return became(heat, nova(heat), nova(heat, user_data="#!/bin/sh\ntrue\n"))


@area.rule(
    [
        REPLACED,
        "another",
    ]
)
def other_user_data_replaces_a_server_otherwise(heat: Heat) -> Observation:
    policy: Document = {"user_data_update_policy": "REPLACE", "user_data_format": "RAW"}
    return became(heat, nova(heat, **policy), nova(heat, user_data="#!/bin/sh\ntrue\n", **policy))


@area.rule([IN_PLACE, "the same"])
def a_server_is_renamed_in_place(heat: Heat) -> Observation:
    return became(heat, nova(heat, name="one"), nova(heat, name="two"))


def config(stack: Stack) -> Document:
    """What Heat tells a polling server of how to poll."""
    found: Document = stack.output("config")
    return found


def polled(stack: Stack) -> Any:
    """What the real heat collector of os-collect-config sees."""
    return collected("heat", config(stack)["heat"])


@area.rule(
    {
        "collectors": ["ec2", "heat", "local"],
        "heat": ["auth_url", "password", "project_id", "region_name", "resource_name", "stack_id", "user_id"],
    }
)
def a_polling_server_is_told_how(heat: Heat) -> Observation:
    stack = heat.stack(nova(heat)).settled()
    told = config(stack)
    return {name: sorted(section) if isinstance(section, dict) else section for name, section in told.items()}


@area.rule({"stack_id": "<stack>/<id>", "resource_name": "Node", "region_name": "RegionOne"})
def a_polling_server_s_stack_and_resource_are_named(heat: Heat) -> Observation:
    stack = heat.stack(nova(heat)).settled()
    told = config(stack)["heat"]
    return {
        key: stack.anonymous(str(told[key]))
        for key in ("stack_id", "resource_name", "region_name")
        if key in told
    }


@area.rule([{"Generation": 1}, ["GuestAgent", "deployments", "os-collect-config"]])
def the_heat_collector_sees_the_keys_of_heat_beside_ours(heat: Heat) -> Observation:
    found = polled(heat.stack(nova(heat, {"GuestAgent": {"Generation": 1}})).settled())
    return [found["GuestAgent"], sorted(found)]


@area.rule(2)
def the_heat_collector_sees_changed_metadata(heat: Heat) -> Observation:
    stack = heat.stack(nova(heat)).settled()

    stack.update(nova(heat, {"n": 2})).settled()

    return polled(stack)["n"]


@area.rule(
    [["cfn", "collectors"], ["access_key_id", "metadata_url", "path", "secret_access_key", "stack_name"], 1]
)
def a_server_polled_by_cfn_is_told_so(heat: Heat) -> Observation:
    stack = heat.stack(nova(heat, software_config_transport="POLL_SERVER_CFN")).settled()
    told = config(stack)
    return [sorted(told), sorted(told["cfn"]), collected("cfn", told["cfn"])["n"]]  # type: ignore[index]


@area.rule(["str", ["alarm_url"]])
def a_handle_s_document_is_text_in_metadata(heat: Heat) -> Observation:
    template = nova(heat, {"ReadyWaitCondition": {"get_attr": ["H", "signal"]}})
    template["resources"]["H"] = h_typed("OS::Heat::WaitConditionHandle", {"signal_transport": "CFN_SIGNAL"})

    found = polled(heat.stack(template).settled())["ReadyWaitCondition"]

    return [type(found).__name__, sorted(json.loads(found))]


@area.rule([["collectors", "heat", "polling_interval"], ["polling_interval"]])
def a_signal_takes_heat_s_part_out_of_a_key_that_the_template_has_too(heat: Heat) -> Observation:
    """Heat lays the template's metadata over the server's own; and what it writes, it may write in the wrong moment."""
    return before_and_after_a_signal(heat, {"os-collect-config": {"polling_interval": 5}})


@area.rule([["collectors", "heat"], ["collectors", "heat"]])
def a_signal_leaves_heat_s_part_where_the_template_has_no_such_key(heat: Heat) -> Observation:
    return before_and_after_a_signal(heat, {"GuestAgent": {"PollingInterval": 5}})


def before_and_after_a_signal(heat: Heat, about: Document) -> Observation:
    """The keys that a guest is given for its collector, before and after a signal to a handle of its stack."""
    template = nova(heat, about)
    template["resources"]["H"] = h_typed("OS::Heat::WaitConditionHandle", {"signal_transport": "CFN_SIGNAL"})
    template["outputs"]["H"] = {"value": {"get_attr": ["H", "signal"]}}
    stack = heat.stack(template).settled()
    access, before = config(stack)["heat"], config(stack)

    url = json.loads(str(stack.output("H")))["alarm_url"]
    answer = put(url, {"status": "SUCCESS", "reason": "r", "id": "u", "data": "d"})

    assert answer.startswith("200"), answer
    return [sorted(before), sorted(collected("heat", access)["os-collect-config"])]  # type: ignore[index]
