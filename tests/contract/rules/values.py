"""Values of template functions: Ref, Fn::GetAtt and the others of CloudFormation, and those of HOT."""

from __future__ import annotations

import re

from tests.contract.guest import signal_handle
from tests.contract.heat import ContractStack, HeatClient
from tests.contract.heat_rule_area import HeatRuleArea
from tests.contract.rule import Observation
from tests.contract.templates import (
    Document,
    att,
    cfn,
    condition,
    handle,
    hot,
    hot_resource,
    node_key,
    random_string,
    ref,
    value,
)

area = HeatRuleArea("functions and references")
EXPRESSIONS: dict[str, Document] = {"cfn": {}, "hot": {}}
LIST, MAP = ["a", "b", "c"], {"k": {"deep": [1, "two"]}}


def add_function_rule(dialect: str, words: str, expression: object, says: Observation) -> None:
    """Add a rule for the value of a function, an output of one shared stack."""
    key = f"E{len(EXPRESSIONS[dialect])}"
    EXPRESSIONS[dialect][key] = expression

    def observe(heat: HeatClient) -> Observation:
        stack = heat.get_shared_stack(f"{dialect} functions", STACK_FACTORIES[dialect])
        text = stack.read_output(key)
        return stack.mask_ids(text) if isinstance(text, str) else text

    area.add(words, observe, says)


def create_cfn_stack(heat: HeatClient) -> ContractStack:
    parameters = {
        "P": {"Type": "String", "Default": "given"},
        "N": {"Type": "Number", "Default": "7"},
        "L": {"Type": "CommaDelimitedList", "Default": "a,b"},
    }
    template = cfn(
        EXPRESSIONS["cfn"],
        Text=value("text"),
        List=value(LIST),
        Map=value(MAP),
        Number=value(5),
        True_=value(True),
        Fixed=random_string(),
        **node_key("Text"),
    )
    return heat.create_stack({**template, "Parameters": parameters}).wait_until_settled()


def create_hot_stack(heat: HeatClient) -> ContractStack:
    template = hot(
        EXPRESSIONS["hot"],
        Text=hot_resource("OS::Heat::Value", {"value": "text"}),
        List=hot_resource("OS::Heat::Value", {"value": LIST}),
        Map=hot_resource("OS::Heat::Value", {"value": MAP}),
    )
    parameters = {
        "p": {"type": "string", "default": "given"},
        "secret": {"type": "string", "default": "hush", "hidden": True},
        "json": {"type": "json", "default": MAP},
        "list": {"type": "comma_delimited_list", "default": "a,b"},
        "number": {"type": "number", "default": 7},
        "yes": {"type": "boolean", "default": "yes"},
    }
    return heat.create_stack({**template, "parameters": parameters}).wait_until_settled()


STACK_FACTORIES = {"cfn": create_cfn_stack, "hot": create_hot_stack}

add_function_rule("cfn", "Ref of a parameter is its value", ref("P"), "given")
add_function_rule("cfn", "Ref of a number is a number", ref("N"), 7)
add_function_rule("cfn", "Ref of a list parameter is a list", ref("L"), ["a", "b"])
add_function_rule("cfn", "Ref AWS::StackName is the stack's name", ref("AWS::StackName"), "<stack>")
add_function_rule("cfn", "Ref AWS::Region is always the same", ref("AWS::Region"), "ap-southeast-1")
add_function_rule(
    "cfn", "Ref AWS::StackId is an ARN", ref("AWS::StackId"), "arn:openstack:heat::<hex>:stacks/<stack>/<id>"
)
add_function_rule(
    "cfn", "Ref of a value is the name that Heat gives it", ref("Text"), "<stack>-Text-<random>"
)
add_function_rule(
    "cfn", "Ref of a user is a name with the stack's in it", ref("KeyUser"), "<stack>-KeyUser-<random>"
)
add_function_rule("cfn", "Ref of a policy is its name", ref("KeyPolicy"), "KeyPolicy")
add_function_rule("cfn", "Ref of an access key is its id", ref("Key"), "<hex>")
add_function_rule("cfn", "an access key knows its user", att("Key", "UserName"), "<stack>-KeyUser-<random>")
add_function_rule("cfn", "GetAtt of a text is a text", att("Text", "value"), "text")
add_function_rule("cfn", "GetAtt of a list is a list", att("List", "value"), LIST)
add_function_rule("cfn", "GetAtt of a mapping is a mapping", att("Map", "value"), MAP)
add_function_rule("cfn", "GetAtt of a number is a number", att("Number", "value"), 5)
add_function_rule("cfn", "GetAtt of a truth is a truth", att("True_", "value"), True)
add_function_rule("cfn", "Fn::Join joins texts", {"Fn::Join": ["-", LIST]}, "a-b-c")
add_function_rule(
    "cfn",
    "Fn::Join takes no number",
    {"Fn::Join": ["", ["a", att("Number", "value")]]},
    "Items to join must be strings not 5",
)
add_function_rule(
    "cfn",
    "Fn::Join takes no mapping",
    {"Fn::Join": ["", ["a", att("Map", "value")]]},
    "Items to join must be strings not {'k': {'deep': [1, 'two']}}",
)
add_function_rule(
    "cfn",
    "Fn::Join takes no truth",
    {"Fn::Join": ["", [att("True_", "value")]]},
    "Items to join must be strings not True",
)
add_function_rule(
    "cfn", "Fn::Join takes a list from an attribute", {"Fn::Join": ["+", att("List", "value")]}, "a+b+c"
)
add_function_rule("cfn", "Fn::Base64 changes nothing", {"Fn::Base64": "#!/bin/sh"}, "#!/bin/sh")
add_function_rule("cfn", "Fn::Select takes by index", {"Fn::Select": ["1", LIST]}, "b")
add_function_rule("cfn", "Fn::Select beyond the end is empty", {"Fn::Select": ["7", LIST]}, "")
add_function_rule("cfn", "Fn::Select takes by key", {"Fn::Select": ["k", {"k": "v"}]}, "v")
add_function_rule("cfn", "Fn::Split splits", {"Fn::Split": [",", "a,b"]}, ["a", "b"])
add_function_rule("cfn", "Fn::Replace replaces", {"Fn::Replace": [{"$a": "x"}, "$a-$b"]}, "x-$b")
add_function_rule(
    "cfn",
    "functions stand in functions",
    {"Fn::Join": ["", [ref("P"), {"Fn::Select": ["0", LIST]}]]},
    "givena",
)

add_function_rule("hot", "get_param gives a parameter", {"get_param": "p"}, "given")
add_function_rule("hot", "get_param gives a hidden one too", {"get_param": "secret"}, "hush")
add_function_rule("hot", "get_param goes into a value", {"get_param": ["json", "k", "deep", 1]}, "two")
add_function_rule("hot", "get_param of a list is a list", {"get_param": "list"}, ["a", "b"])
add_function_rule("hot", "get_param of a number is a number", {"get_param": "number"}, 7)
add_function_rule("hot", "get_param of a truth is a truth", {"get_param": "yes"}, True)
add_function_rule("hot", "get_param OS::stack_name", {"get_param": "OS::stack_name"}, "<stack>")
add_function_rule("hot", "get_param OS::stack_id", {"get_param": "OS::stack_id"}, "<id>")
add_function_rule("hot", "get_param OS::project_id", {"get_param": "OS::project_id"}, "<hex>")
add_function_rule("hot", "get_resource gives a name", {"get_resource": "Text"}, "<stack>-Text-<random>")
add_function_rule("hot", "get_attr gives an attribute", {"get_attr": ["Text", "value"]}, "text")
add_function_rule("hot", "get_attr goes into an attribute", {"get_attr": ["Map", "value", "k", "deep", 0]}, 1)
add_function_rule(
    "hot", "get_attr of nothing there is nothing", {"get_attr": ["Map", "value", "nothing"]}, None
)
add_function_rule("hot", "list_join joins", {"list_join": ["-", LIST]}, "a-b-c")
add_function_rule(
    "hot",
    "list_join joins several lists",
    {"list_join": ["-", ["a"], {"get_attr": ["List", "value"]}]},
    "a-a-b-c",
)
add_function_rule(
    "hot",
    "list_join makes JSON of a mapping",
    {"list_join": ["", [{"get_attr": ["Map", "value"]}]]},
    '{"k": {"deep": [1, "two"]}}',
)
add_function_rule(
    "hot",
    "str_replace puts values in",
    {"str_replace": {"template": "$a is ${a}, $b", "params": {"$a": "x", "$b": {"get_param": "p"}}}},
    "x is ${a}, given",
)
add_function_rule(
    "hot",
    "str_replace takes the longest name first",
    {"str_replace": {"template": "$a $ab", "params": {"$a": "1", "$ab": "2"}}},
    "1 2",
)
add_function_rule(
    "hot",
    "str_replace makes JSON of a mapping",
    {"str_replace": {"template": "m", "params": {"m": MAP}}},
    '{"k": {"deep": [1, "two"]}}',
)
add_function_rule("hot", "str_split splits", {"str_split": [",", "a,b"]}, ["a", "b"])
add_function_rule("hot", "str_split takes a part", {"str_split": [",", "a,b", 1]}, "b")
add_function_rule("hot", "map_merge merges", {"map_merge": [{"a": 1}, {"a": 2, "b": 3}]}, {"a": 2, "b": 3})
add_function_rule("hot", "list_concat puts lists together", {"list_concat": [LIST, ["d"]]}, [*LIST, "d"])


@area.rule({"length": 12, "alphabet": True})
def a_random_string_has_its_length_and_classes(heat: HeatClient) -> Observation:
    classes = [{"class": "lowercase"}]
    stack = heat.create_stack(
        cfn({"X": ref("R")}, R=random_string(character_classes=classes))
    ).wait_until_settled()

    text = stack.read_output("X")

    return {"length": len(text), "alphabet": bool(re.fullmatch("[a-z]+", text))}


@area.rule(32)
def a_secret_access_key_has_32_characters(heat: HeatClient) -> Observation:
    stack = heat.create_stack(
        cfn({"X": att("Key", "SecretAccessKey")}, V=value(), **node_key("V"))
    ).wait_until_settled()

    return len(stack.read_output("X"))


@area.rule(True)
def a_reference_to_a_random_string_is_its_value(heat: HeatClient) -> Observation:
    stack = heat.create_stack(
        cfn({"X": ref("R"), "Y": att("R", "value")}, R=random_string())
    ).wait_until_settled()

    return stack.read_output("X") == stack.read_output("Y") != ""


@area.rule('"Fn::Select": Expecting value: line 1 column 1 (char 0)')
def an_output_whose_function_fails_has_an_error(heat: HeatClient) -> Observation:
    stack = heat.create_stack(
        cfn({"X": {"Fn::Select": ["x", att("V", "value")]}}, V=value("text"))
    ).wait_until_settled()

    return stack.read_output("X")


@area.rule("W")
def a_condition_refers_to_itself_by_a_name(heat: HeatClient) -> Observation:
    stack = signal_handle(
        heat.create_stack(cfn({"X": ref("W")}, H=handle(), W=condition()))
    ).wait_until_settled()

    return stack.mask_ids(stack.read_output("X"))
