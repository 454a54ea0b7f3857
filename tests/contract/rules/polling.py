"""Metadata for guests: DescribeStackResource with a node's key, and the collectors of os-collect-config."""

from __future__ import annotations

from tests.contract.guest import NodeKey, format_cfn_response, parse_metadata
from tests.contract.heat import ContractStack, Document, HeatClient
from tests.contract.heat_rule_area import HeatRuleArea
from tests.contract.rule import Observation
from tests.contract.templates import att, cfn, handle, node_key, random_string, ref, value

area = HeatRuleArea("metadata as guests see it")
DENIED = "403 AccessDenied: User is not authorized to perform action"
KEY = {"Key": ref("Key"), "KeySecret": att("Key", "SecretAccessKey")}


def build_node_template(generation: int = 1) -> Document:
    """Build a node whose key may read its own metadata only; an OS::Heat::Value replaces the server."""
    users = [{"name": "slave0000", "password": ref("R")}]
    about = {
        "ReadyWaitCondition": ref("H"),
        "Users": users,
        "GuestAgent": {"Generation": generation, "Deep": [1, None, "ü"]},
    }
    return cfn(
        KEY,
        H=handle(),
        R=random_string(),
        Node=value(Metadata=about),
        Other=value(Metadata={"k": "v"}),
        **node_key("Node"),
    )


def get_node_stack(heat: HeatClient) -> ContractStack:
    return heat.get_shared_stack(
        "node", lambda heat: heat.create_stack(build_node_template()).wait_until_settled()
    )


def get_access_key(heat: HeatClient) -> NodeKey:
    return NodeKey.from_outputs(get_node_stack(heat))


@area.rule(
    [{"Users": [{"name": "slave0000"}], "GuestAgent": {"Generation": 1, "Deep": [1, None, "ü"]}}, True, 12]
)
def a_node_sees_its_own_metadata_resolved(heat: HeatClient) -> Observation:
    stack = get_node_stack(heat)
    metadata = parse_metadata(get_access_key(heat).describe("Node"))
    url, password = metadata.pop("ReadyWaitCondition"), metadata["Users"][0].pop("password")
    return [metadata, url == stack.read_output("H"), len(password)]


@area.rule(
    "403 AccessDenied: User is not authorized to perform action:You are not authorized to use this action."
)
def a_node_sees_no_other_s_metadata(heat: HeatClient) -> Observation:
    return parse_metadata(get_access_key(heat).describe("Other"))


@area.rule(
    "403 AccessDenied: User is not authorized to perform action:You are not authorized to use this action."
)
def a_node_sees_no_handle_s_metadata(heat: HeatClient) -> Observation:
    return parse_metadata(get_access_key(heat).describe("H"))


@area.rule(
    "403 AccessDenied: User is not authorized to perform action:You are not authorized to use this action."
)
def a_resource_that_is_not_there_is_denied(heat: HeatClient) -> Observation:
    return parse_metadata(get_access_key(heat).describe("Nobody"))


@area.rule(["GuestAgent", "ReadyWaitCondition", "Users"])
def a_stack_may_be_named_by_its_id(heat: HeatClient) -> Observation:
    stack = get_node_stack(heat)
    return sorted(parse_metadata(get_access_key(heat).describe("Node", stack=stack.id)))


@area.rule(
    "400 InvalidParameterValue: A bad or out-of-range value was supplied:The Stack "
    "(<stack>/<id>) could not be found."
)
def a_stack_s_name_and_id_together_are_not_understood(heat: HeatClient) -> Observation:
    stack = get_node_stack(heat)
    return parse_metadata(get_access_key(heat).describe("Node", stack=f"{stack.name}/{stack.id}"))


@area.rule({"k": 1})
def a_stack_may_be_named_by_its_arn(heat: HeatClient) -> Observation:
    stack = heat.create_stack(
        cfn({**KEY, "Arn": ref("AWS::StackId")}, Node=value(Metadata={"k": 1}), **node_key("Node"))
    ).wait_until_settled()
    return parse_metadata(NodeKey.from_outputs(stack).describe("Node", stack=stack.read_output("Arn")))


@area.rule(
    "400 InvalidParameterValue: A bad or out-of-range value was supplied:The Stack (nobody) "
    "could not be found."
)
def an_unknown_stack_is_reported(heat: HeatClient) -> Observation:
    return parse_metadata(get_access_key(heat).describe("Node", stack="nobody"))


@area.rule(
    "400 InvalidParameterValue: A bad or out-of-range value was supplied:The Stack (<stack>) "
    "could not be found."
)
def another_stack_s_node_is_not_seen(heat: HeatClient) -> Observation:
    other = heat.create_stack(cfn(Node=value(Metadata={"k": 1}))).wait_until_settled()
    return parse_metadata(get_access_key(heat).describe("Node", stack=other.name))


@area.rule(
    {
        "ListStacks": DENIED + ":Action ListStacks not allowed for user",
        "DeleteStack": DENIED + ":Action DeleteStack not allowed for user",
        "Nothing": "400 InvalidAction: The action or operation requested is invalid",
    }
)
def another_action_is_not_for_nodes(heat: HeatClient) -> Observation:
    return {
        action: format_cfn_response(get_access_key(heat).describe("Node", Action=action))
        for action in ("ListStacks", "DeleteStack", "Nothing")
    }


@area.rule("403 AccessDenied: User is not authorized to perform action")
def a_wrong_secret_is_refused(heat: HeatClient) -> Observation:
    right = get_access_key(heat)
    return parse_metadata(NodeKey(right.stack, right.access, right.secret + "x").describe("Node"))


@area.rule(
    [
        "Description",
        "LastUpdatedTimestamp",
        "LogicalResourceId",
        "Metadata",
        "PhysicalResourceId",
        "ResourceStatus",
        "ResourceStatusReason",
        "ResourceType",
        "StackId",
        "StackName",
    ]
)
def the_description_has_these_fields(heat: HeatClient) -> Observation:
    return get_access_key(heat).list_fields("Node")


@area.rule({"k": 1})
def a_user_without_a_policy_sees_every_resource(heat: HeatClient) -> Observation:
    user: dict[str, Document] = {
        "KeyUser": {"Type": "AWS::IAM::User"},
        "Key": {"Type": "AWS::IAM::AccessKey", "Properties": {"UserName": ref("KeyUser")}},
    }
    stack = heat.create_stack(cfn(KEY, Node=value(Metadata={"k": 1}), **user)).wait_until_settled()
    return parse_metadata(NodeKey.from_outputs(stack).describe("Node"))


@area.rule("(empty)")
def a_resource_without_metadata_has_an_empty_text(heat: HeatClient) -> Observation:
    stack = heat.create_stack(cfn(KEY, Node=value(), **node_key("Node"))).wait_until_settled()
    return parse_metadata(NodeKey.from_outputs(stack).describe("Node"))


@area.rule(1)
def a_resource_other_than_a_server_keeps_its_initial_metadata(heat: HeatClient) -> Observation:
    stack = heat.create_stack(build_node_template()).wait_until_settled()
    poll = NodeKey.from_outputs(stack)

    stack.update(build_node_template(generation=2)).wait_until_settled()

    return parse_metadata(poll.describe("Node"))["GuestAgent"]["Generation"]


@area.rule(DENIED, "500 (empty)")
def a_key_is_deleted_with_its_stack(heat: HeatClient) -> Observation:
    stack = heat.create_stack(build_node_template()).wait_until_settled()
    poll = NodeKey.from_outputs(stack)

    stack.delete().wait_until_settled()

    return parse_metadata(poll.describe("Node"))


@area.rule(True)
def the_cfn_collector_reads_the_same_metadata_as_the_node(heat: HeatClient) -> Observation:
    poll = get_access_key(heat)
    return poll.run_collector("Node") == parse_metadata(poll.describe("Node"))


@area.rule(None)
def the_cfn_collector_cannot_read_another_node(heat: HeatClient) -> Observation:
    return get_access_key(heat).run_collector("Other")
