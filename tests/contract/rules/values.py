"""What the functions of a template give: Ref, Fn::GetAtt and the rest of the CFN dialect, and those of HOT."""

from __future__ import annotations

import re

from tests.contract.guest import signal
from tests.contract.heat import Heat, Stack
from tests.contract.rule import Area, Observation
from tests.contract.templates import (
    Document,
    att,
    cfn,
    condition,
    h_typed,
    handle,
    hot,
    poller,
    random_string,
    ref,
    value,
)

area = Area("functions and references")
EXPRESSIONS: dict[str, Document] = {"cfn": {}, "hot": {}}
LIST, MAP = ["a", "b", "c"], {"k": {"deep": [1, "two"]}}


def gives(dialect: str, words: str, expression: object, says: Observation) -> None:
    """A function's value: an output of the one stack that has them all."""
    key = f"E{len(EXPRESSIONS[dialect])}"
    EXPRESSIONS[dialect][key] = expression

    def observe(heat: Heat) -> Observation:
        stack = heat.shared(f"{dialect} functions", CALLING[dialect])
        found = stack.output(key)
        return stack.anonymous(found) if isinstance(found, str) else found

    area.add(words, observe, says)


def calling_cfn(heat: Heat) -> Stack:
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
        **poller("Text"),
    )
    return heat.stack({**template, "Parameters": parameters}).settled()


def calling_hot(heat: Heat) -> Stack:
    template = hot(
        EXPRESSIONS["hot"],
        Text=h_typed("OS::Heat::Value", {"value": "text"}),
        List=h_typed("OS::Heat::Value", {"value": LIST}),
        Map=h_typed("OS::Heat::Value", {"value": MAP}),
    )
    parameters = {
        "p": {"type": "string", "default": "given"},
        "secret": {"type": "string", "default": "hush", "hidden": True},
        "json": {"type": "json", "default": MAP},
        "list": {"type": "comma_delimited_list", "default": "a,b"},
        "number": {"type": "number", "default": 7},
        "yes": {"type": "boolean", "default": "yes"},
    }
    return heat.stack({**template, "parameters": parameters}).settled()


CALLING = {"cfn": calling_cfn, "hot": calling_hot}

gives("cfn", "Ref of a parameter is its value", ref("P"), "given")
gives("cfn", "Ref of a number is a number", ref("N"), 7)
gives("cfn", "Ref of a list parameter is a list", ref("L"), ["a", "b"])
gives("cfn", "Ref AWS::StackName is the stack's name", ref("AWS::StackName"), "<stack>")
gives("cfn", "Ref AWS::Region is always the same", ref("AWS::Region"), "ap-southeast-1")
gives(
    "cfn", "Ref AWS::StackId is an ARN", ref("AWS::StackId"), "arn:openstack:heat::<hex>:stacks/<stack>/<id>"
)
gives("cfn", "Ref of a value is the name that Heat gives it", ref("Text"), "<stack>-Text-<random>")
gives("cfn", "Ref of a user is a name with the stack's in it", ref("KeyUser"), "<stack>-KeyUser-<random>")
gives("cfn", "Ref of a policy is its name", ref("KeyPolicy"), "KeyPolicy")
gives("cfn", "Ref of an access key is its id", ref("Key"), "<hex>")
gives("cfn", "an access key knows its user", att("Key", "UserName"), "<stack>-KeyUser-<random>")
gives("cfn", "GetAtt of a text is a text", att("Text", "value"), "text")
gives("cfn", "GetAtt of a list is a list", att("List", "value"), LIST)
gives("cfn", "GetAtt of a mapping is a mapping", att("Map", "value"), MAP)
gives("cfn", "GetAtt of a number is a number", att("Number", "value"), 5)
gives("cfn", "GetAtt of a truth is a truth", att("True_", "value"), True)
gives("cfn", "Fn::Join joins texts", {"Fn::Join": ["-", LIST]}, "a-b-c")
gives(
    "cfn",
    "Fn::Join takes no number",
    {"Fn::Join": ["", ["a", att("Number", "value")]]},
    "Items to join must be strings not 5",
)
gives(
    "cfn",
    "Fn::Join takes no mapping",
    {"Fn::Join": ["", ["a", att("Map", "value")]]},
    "Items to join must be strings not {'k': {'deep': [1, 'two']}}",
)
gives(
    "cfn",
    "Fn::Join takes no truth",
    {"Fn::Join": ["", [att("True_", "value")]]},
    "Items to join must be strings not True",
)
gives("cfn", "Fn::Join takes a list from an attribute", {"Fn::Join": ["+", att("List", "value")]}, "a+b+c")
gives("cfn", "Fn::Base64 changes nothing", {"Fn::Base64": "#!/bin/sh"}, "#!/bin/sh")
gives("cfn", "Fn::Select takes by index", {"Fn::Select": ["1", LIST]}, "b")
gives("cfn", "Fn::Select beyond the end is empty", {"Fn::Select": ["7", LIST]}, "")
gives("cfn", "Fn::Select takes by key", {"Fn::Select": ["k", {"k": "v"}]}, "v")
gives("cfn", "Fn::Split splits", {"Fn::Split": [",", "a,b"]}, ["a", "b"])
gives("cfn", "Fn::Replace replaces", {"Fn::Replace": [{"$a": "x"}, "$a-$b"]}, "x-$b")
gives(
    "cfn",
    "functions stand in functions",
    {"Fn::Join": ["", [ref("P"), {"Fn::Select": ["0", LIST]}]]},
    "givena",
)

gives("hot", "get_param gives a parameter", {"get_param": "p"}, "given")
gives("hot", "get_param gives a hidden one too", {"get_param": "secret"}, "hush")
gives("hot", "get_param goes into a value", {"get_param": ["json", "k", "deep", 1]}, "two")
gives("hot", "get_param of a list is a list", {"get_param": "list"}, ["a", "b"])
gives("hot", "get_param of a number is a number", {"get_param": "number"}, 7)
gives("hot", "get_param of a truth is a truth", {"get_param": "yes"}, True)
gives("hot", "get_param OS::stack_name", {"get_param": "OS::stack_name"}, "<stack>")
gives("hot", "get_param OS::stack_id", {"get_param": "OS::stack_id"}, "<id>")
gives("hot", "get_param OS::project_id", {"get_param": "OS::project_id"}, "<hex>")
gives("hot", "get_resource gives a name", {"get_resource": "Text"}, "<stack>-Text-<random>")
gives("hot", "get_attr gives an attribute", {"get_attr": ["Text", "value"]}, "text")
gives("hot", "get_attr goes into an attribute", {"get_attr": ["Map", "value", "k", "deep", 0]}, 1)
gives("hot", "get_attr of nothing there is nothing", {"get_attr": ["Map", "value", "nothing"]}, None)
gives("hot", "list_join joins", {"list_join": ["-", LIST]}, "a-b-c")
gives(
    "hot",
    "list_join joins several lists",
    {"list_join": ["-", ["a"], {"get_attr": ["List", "value"]}]},
    "a-a-b-c",
)
gives(
    "hot",
    "list_join makes JSON of a mapping",
    {"list_join": ["", [{"get_attr": ["Map", "value"]}]]},
    '{"k": {"deep": [1, "two"]}}',
)
gives(
    "hot",
    "str_replace puts values in",
    {"str_replace": {"template": "$a is ${a}, $b", "params": {"$a": "x", "$b": {"get_param": "p"}}}},
    "x is ${a}, given",
)
gives(
    "hot",
    "str_replace takes the longest name first",
    {"str_replace": {"template": "$a $ab", "params": {"$a": "1", "$ab": "2"}}},
    "1 2",
)
gives(
    "hot",
    "str_replace makes JSON of a mapping",
    {"str_replace": {"template": "m", "params": {"m": MAP}}},
    '{"k": {"deep": [1, "two"]}}',
)
gives("hot", "str_split splits", {"str_split": [",", "a,b"]}, ["a", "b"])
gives("hot", "str_split takes a part", {"str_split": [",", "a,b", 1]}, "b")
gives("hot", "map_merge merges", {"map_merge": [{"a": 1}, {"a": 2, "b": 3}]}, {"a": 2, "b": 3})
gives("hot", "list_concat puts lists together", {"list_concat": [LIST, ["d"]]}, [*LIST, "d"])


@area.rule({"length": 12, "alphabet": True})
def a_random_string_has_its_length_and_classes(heat: Heat) -> Observation:
    classes = [{"class": "lowercase"}]
    stack = heat.stack(cfn({"X": ref("R")}, R=random_string(character_classes=classes))).settled()

    text = stack.output("X")

    return {"length": len(text), "alphabet": bool(re.fullmatch("[a-z]+", text))}


@area.rule(32)
def a_secret_access_key_has_32_characters(heat: Heat) -> Observation:
    stack = heat.stack(cfn({"X": att("Key", "SecretAccessKey")}, V=value(), **poller("V"))).settled()

    return len(stack.output("X"))


@area.rule(True)
def a_reference_to_a_random_string_is_its_value(heat: Heat) -> Observation:
    stack = heat.stack(cfn({"X": ref("R"), "Y": att("R", "value")}, R=random_string())).settled()

    return stack.output("X") == stack.output("Y") != ""


@area.rule('"Fn::Select": Expecting value: line 1 column 1 (char 0)')
def an_output_whose_function_fails_says_why(heat: Heat) -> Observation:
    stack = heat.stack(cfn({"X": {"Fn::Select": ["x", att("V", "value")]}}, V=value("text"))).settled()

    return stack.output("X")


@area.rule("W")
def a_condition_refers_to_itself_by_a_name(heat: Heat) -> Observation:
    stack = signal(heat.stack(cfn({"X": ref("W")}, H=handle(), W=condition()))).settled()

    return stack.anonymous(stack.output("X"))
