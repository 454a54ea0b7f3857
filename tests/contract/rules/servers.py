"""Servers: changes in place, replacements, and the metadata that guests poll."""

from __future__ import annotations

import json
from typing import Any

from tests.contract.guest import NodeKey, parse_metadata, put_signal, run_os_collect_config, signal_handle
from tests.contract.heat import ContractStack, Document, HeatClient
from tests.contract.heat_rule_area import HeatRuleArea
from tests.contract.outcomes import IN_PLACE, REPLACED, UPDATED
from tests.contract.rule import Observation
from tests.contract.templates import att, cfn, condition, handle, hot, hot_resource, node_key, ref, resource

area = HeatRuleArea("servers")
KEY = {"Key": ref("Key"), "KeySecret": att("Key", "SecretAccessKey")}


def build_cfn_server(heat: HeatClient, about: Document | None = None, **properties: Any) -> Document:
    """Build a CloudFormation template with one server, and a key that polls its metadata."""
    around = {
        "ImageId": heat.names.image,
        "InstanceType": heat.names.flavor,
        "SubnetId": heat.subnet,
    }
    server = resource(
        "AWS::EC2::Instance",
        {**around, "UserData": "#!/bin/sh\n", **properties},
        {"Metadata": about or {"n": 1}},
    )
    return cfn({**KEY, "Ip": att("Node", "PrivateIp")}, Node=server, **node_key("Node"))


def build_hot_server(heat: HeatClient, about: Document | None = None, **properties: Any) -> Document:
    """Build a HOT template with one server that polls Heat for its metadata."""
    around = {
        "image": heat.names.image,
        "flavor": heat.names.flavor,
        "networks": [{"network": heat.names.network}],
        "user_data_format": "SOFTWARE_CONFIG",
        "software_config_transport": "POLL_SERVER_HEAT",
        "user_data_update_policy": "IGNORE",
    }
    server = hot_resource("OS::Nova::Server", {**around, **properties}, metadata=about or {"n": 1})
    return hot({"config": {"get_attr": ["Node", "os_collect_config"]}}, Node=server)


def update_server(heat: HeatClient, before: Document, after: Document) -> Observation:
    """Update the server; return its statuses, and whether it is still the same server."""
    stack = heat.create_stack(before).wait_until_settled()
    was = stack.read_physical_id("Node")
    stack.update(after).wait_until_settled()
    return [
        stack.list_update_statuses("Node"),
        "the same" if stack.read_physical_id("Node") == was else "another",
    ]


@area.rule([IN_PLACE, "the same"])
def an_instance_s_metadata_changes_in_place(heat: HeatClient) -> Observation:
    return update_server(heat, build_cfn_server(heat), build_cfn_server(heat, {"n": 2}))


@area.rule([IN_PLACE, "the same"])
def an_instance_is_resized_in_place(heat: HeatClient) -> Observation:
    return update_server(heat, build_cfn_server(heat), build_cfn_server(heat, InstanceType=heat.names.larger))


@area.rule([REPLACED, "another"])
def other_user_data_replaces_an_instance(heat: HeatClient) -> Observation:
    return update_server(heat, build_cfn_server(heat), build_cfn_server(heat, UserData="#!/bin/sh\ntrue\n"))


@area.rule([{"GuestAgent": {"Generation": 1}}, {"GuestAgent": {"Generation": 2}}])
def an_instance_s_metadata_is_polled_and_changes(heat: HeatClient) -> Observation:
    stack = heat.create_stack(build_cfn_server(heat, {"GuestAgent": {"Generation": 1}})).wait_until_settled()
    poll = NodeKey.from_outputs(stack)
    first = parse_metadata(poll.describe("Node"))

    stack.update(build_cfn_server(heat, {"GuestAgent": {"Generation": 2}})).wait_until_settled()

    return [first, parse_metadata(poll.describe("Node"))]


@area.rule([{"n": 2}, UPDATED])
def changed_metadata_is_polled_during_the_update(heat: HeatClient) -> Observation:
    stack = heat.create_stack(build_cfn_server(heat)).wait_until_settled()
    poll = NodeKey.from_outputs(stack)
    after = build_cfn_server(heat, {"n": 2})
    after["Resources"].update(H=handle(), W=condition(DependsOn="Node"))
    after["Outputs"]["H"] = {"Value": ref("H")}

    stack.update(after).wait_for_resource("W", "CREATE_IN_PROGRESS")
    metadata = parse_metadata(poll.describe("Node"))

    return [metadata, signal_handle(stack).wait_for_outcome()]


@area.rule({"GuestAgent": {"Generation": 1, "Text": "ü $ %"}})
def the_cfn_collector_sees_an_instance_s_metadata(heat: HeatClient) -> Observation:
    about = {"GuestAgent": {"Generation": 1, "Text": "ü $ %"}}
    return NodeKey.from_outputs(
        heat.create_stack(build_cfn_server(heat, about)).wait_until_settled()
    ).run_collector("Node")


@area.rule([IN_PLACE, "the same"])
def a_server_s_metadata_changes_in_place(heat: HeatClient) -> Observation:
    return update_server(heat, build_hot_server(heat), build_hot_server(heat, {"n": 2}))


@area.rule([IN_PLACE, "the same"])
def a_server_is_resized_in_place(heat: HeatClient) -> Observation:
    return update_server(heat, build_hot_server(heat), build_hot_server(heat, flavor=heat.names.larger))


@area.rule([IN_PLACE, "the same"])
def other_user_data_is_ignored_if_the_policy_requires_it(heat: HeatClient) -> Observation:
    return update_server(heat, build_hot_server(heat), build_hot_server(heat, user_data="#!/bin/sh\ntrue\n"))


@area.rule(
    [
        REPLACED,
        "another",
    ]
)
def other_user_data_replaces_a_server_otherwise(heat: HeatClient) -> Observation:
    policy: Document = {"user_data_update_policy": "REPLACE", "user_data_format": "RAW"}
    return update_server(
        heat,
        build_hot_server(heat, **policy),
        build_hot_server(heat, user_data="#!/bin/sh\ntrue\n", **policy),
    )


@area.rule([IN_PLACE, "the same"])
def a_server_is_renamed_in_place(heat: HeatClient) -> Observation:
    return update_server(heat, build_hot_server(heat, name="one"), build_hot_server(heat, name="two"))


def read_config(stack: ContractStack) -> Document:
    """Return the collector settings that Heat gives to a polling server."""
    config: Document = stack.read_output("config")
    return config


def run_collector(stack: ContractStack) -> Any:
    """Return the metadata from the heat collector of os-collect-config."""
    return run_os_collect_config("heat", read_config(stack)["heat"])


@area.rule(
    {
        "collectors": ["ec2", "heat", "local"],
        "heat": ["auth_url", "password", "project_id", "region_name", "resource_name", "stack_id", "user_id"],
    }
)
def a_polling_server_gets_its_collector_settings(heat: HeatClient) -> Observation:
    stack = heat.create_stack(build_hot_server(heat)).wait_until_settled()
    config = read_config(stack)
    return {
        name: sorted(section) if isinstance(section, dict) else section for name, section in config.items()
    }


@area.rule({"stack_id": "<stack>/<id>", "resource_name": "Node", "region_name": "RegionOne"})
def a_polling_server_s_stack_and_resource_are_named(heat: HeatClient) -> Observation:
    stack = heat.create_stack(build_hot_server(heat)).wait_until_settled()
    config = read_config(stack)["heat"]
    return {
        key: stack.mask_ids(str(config[key]))
        for key in ("stack_id", "resource_name", "region_name")
        if key in config
    }


@area.rule([{"Generation": 1}, ["GuestAgent", "deployments", "os-collect-config"]])
def the_heat_collector_sees_the_keys_of_heat_beside_ours(heat: HeatClient) -> Observation:
    metadata = run_collector(
        heat.create_stack(build_hot_server(heat, {"GuestAgent": {"Generation": 1}})).wait_until_settled()
    )
    return [metadata["GuestAgent"], sorted(metadata)]


@area.rule(2)
def the_heat_collector_sees_changed_metadata(heat: HeatClient) -> Observation:
    stack = heat.create_stack(build_hot_server(heat)).wait_until_settled()

    stack.update(build_hot_server(heat, {"n": 2})).wait_until_settled()

    return run_collector(stack)["n"]


@area.rule(
    [["cfn", "collectors"], ["access_key_id", "metadata_url", "path", "secret_access_key", "stack_name"], 1]
)
def a_server_that_polls_by_cfn_gets_those_settings(heat: HeatClient) -> Observation:
    stack = heat.create_stack(
        build_hot_server(heat, software_config_transport="POLL_SERVER_CFN")
    ).wait_until_settled()
    config = read_config(stack)
    return [sorted(config), sorted(config["cfn"]), run_os_collect_config("cfn", config["cfn"])["n"]]  # type: ignore[index]


@area.rule(["str", ["alarm_url"]])
def a_handle_s_document_is_text_in_metadata(heat: HeatClient) -> Observation:
    template = build_hot_server(heat, {"ReadyWaitCondition": {"get_attr": ["H", "signal"]}})
    template["resources"]["H"] = hot_resource(
        "OS::Heat::WaitConditionHandle", {"signal_transport": "CFN_SIGNAL"}
    )

    metadata = run_collector(heat.create_stack(template).wait_until_settled())["ReadyWaitCondition"]

    return [type(metadata).__name__, sorted(json.loads(metadata))]


@area.rule([["collectors", "heat", "polling_interval"], ["polling_interval"]])
def a_signal_takes_heat_s_part_out_of_a_key_that_the_template_has_too(heat: HeatClient) -> Observation:
    """Heat merges the template's metadata into the server's own, and may write the result at a harmful time."""
    return list_keys_around_signal(heat, {"os-collect-config": {"polling_interval": 5}})


@area.rule([["collectors", "heat"], ["collectors", "heat"]])
def a_signal_leaves_heat_s_part_where_the_template_has_no_such_key(heat: HeatClient) -> Observation:
    return list_keys_around_signal(heat, {"GuestAgent": {"PollingInterval": 5}})


def list_keys_around_signal(heat: HeatClient, about: Document) -> Observation:
    """Return the collector keys of a guest before and after a signal to a handle of its stack."""
    template = build_hot_server(heat, about)
    template["resources"]["H"] = hot_resource(
        "OS::Heat::WaitConditionHandle", {"signal_transport": "CFN_SIGNAL"}
    )
    template["outputs"]["H"] = {"value": {"get_attr": ["H", "signal"]}}
    stack = heat.create_stack(template).wait_until_settled()
    access, before = read_config(stack)["heat"], read_config(stack)

    url = json.loads(str(stack.read_output("H")))["alarm_url"]
    answer = put_signal(url, {"status": "SUCCESS", "reason": "r", "id": "u", "data": "d"})

    assert answer.startswith("200"), answer
    return [sorted(before), sorted(run_os_collect_config("heat", access)["os-collect-config"])]  # type: ignore[index]
