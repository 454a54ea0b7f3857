"""The results of HOT functions, their references, and the versions that have them."""

from __future__ import annotations

import pytest

from guestagent.embedded.heat.template.errors import StackValidationFailed
from guestagent.embedded.heat.template.functions import find_references, resolve_functions
from guestagent.embedded.heat.template.hot_functions import build_hot_functions
from guestagent.embedded.http.errors import NotSupported

ROCKY = build_hot_functions("2018-08-31")


class Names:
    """A resource `Port` with addresses, and some parameters."""

    def resolve_reference(self, name: str) -> object:
        return self.get_resource(name)

    def get_parameter(self, name: str) -> object:
        return {"size": "large", "map": {"a": [{"b": "deep"}]}, "which": 1}[name]

    def get_resource(self, name: str) -> object:
        return {"Port": "port-1", "Number": 7}[name]

    def get_attribute(self, resource: str, name: str) -> object:
        every = {"fixed_ips": [{"ip": "10.0.0.1"}, {"ip": "10.0.0.2"}], "nothing": None}
        return every[name] if name else every


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ({"get_resource": "Port"}, "port-1"),
        ({"get_param": "size"}, "large"),
        ({"get_param": ["map", "a", 0, "b"]}, "deep"),
        ({"get_param": ["map", "x"]}, ""),
        ({"get_attr": ["Port", "fixed_ips", 0, "ip"]}, "10.0.0.1"),
        ({"get_attr": ["Port", "fixed_ips", {"get_param": "which"}, "ip"]}, "10.0.0.2"),
        ({"get_attr": ["Port", "fixed_ips", 9]}, None),
        ({"get_attr": ["Port", "fixed_ips", "no index"]}, None),
        ({"get_attr": ["Port", "nothing", 0]}, None),
        ({"get_attr": ["Port"]}, {"fixed_ips": [{"ip": "10.0.0.1"}, {"ip": "10.0.0.2"}], "nothing": None}),
        ({"list_join": ["-", ["a", None, {"b": 1}], ["c"]]}, 'a--{"b": 1}-c'),
        ({"list_join": ["-", None]}, ""),
        ({"str_replace": {"template": "x xy", "params": {"x": "xy", "xy": [1]}}}, "xy [1]"),
        ({"str_replace": {"template": "$a $b", "params": {"$a": 1, "$b": None}}}, "1 "),
        ({"str_replace_strict": {"template": "$a", "params": {"$a": {"get_param": "size"}}}}, "large"),
        ({"str_split": [",", "a,b"]}, ["a", "b"]),
        ({"str_split": [",", "a,b", 1]}, "b"),
        ({"map_merge": [{"a": 1}, None, {"a": 2}]}, {"a": 2}),
        ({"list_concat": [["a"], None, ["b"]]}, ["a", "b"]),
        ({"get_resource": "Port", "other": 1}, {"get_resource": "Port", "other": 1}),
        ({"unheard": "of"}, {"unheard": "of"}),
    ],
)
def test_a_value_is_resolved(value: object, result: object) -> None:
    assert resolve_functions(value, ROCKY, Names()) == result


@pytest.mark.parametrize(
    "value",
    [
        {"get_param": []},
        {"list_join": ["-", "text"]},
        {"list_join": ["-", [{"get_resource": "Number"}]]},
        {"list_join": [1, ["a"]]},
        {"str_replace": {"template": 1, "params": {}}},
        {"str_replace": {"template": "a", "params": {"a": {1, 2}}}},
        {"str_replace_strict": {"template": "a", "params": {"b": "c"}}},
        {"str_split": [",", "a", 5]},
        {"str_split": [",", 1]},
        {"map_merge": ["a"]},
        {"list_concat": ["a"]},
    ],
)
def test_invalid_arguments_are_an_error(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        resolve_functions(value, ROCKY, Names())


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"get_resource": 1}, 'Function "get_resource" must be given a name'),
        ({"get_attr": "Port.ip"}, 'Argument to "get_attr" must be a list'),
        ({"get_attr": []}, 'Arguments to "get_attr" must be of the form'),
        ({"list_join": ["-"]}, 'Incorrect arguments to "list_join"'),
        ({"str_replace": ["a"]}, 'Arguments to "str_replace" must be a map'),
        ({"str_replace": {"template": "a"}}, '"str_replace" syntax should be'),
        ({"str_replace": {"template": "a", "params": "b"}}, '"str_replace" parameters must be a mapping'),
        ({"str_split": "a,b"}, 'Incorrect arguments to "str_split"'),
        ({"Ref": "Port"}, "The function Ref is not supported in this version of HOT."),
        ({"Fn::Join": ["", []]}, "The function Fn::Join is not supported in this version of HOT."),
    ],
)
def test_a_malformed_call_is_rejected_with_its_path(value: object, message: str) -> None:
    with pytest.raises(StackValidationFailed) as caught:
        list(find_references(value, ROCKY, "resources.V.properties.value"))

    assert str(caught.value).startswith("resources.V.properties.value.")
    assert message in str(caught.value)


def test_every_resource_reference_is_found_with_its_path() -> None:
    value = {
        "a": {"list_join": ["", [{"get_resource": "A"}, {"get_attr": ["B", "c", {"get_attr": ["D", "e"]}]}]]}
    }

    found = [(use.name, use.attribute, use.is_strict) for use in find_references(value, ROCKY)]

    assert found == [("A", "", True), ("B", "c", True), ("D", "e", True)]


def test_a_parameter_is_no_dependency() -> None:
    assert list(find_references({"get_param": "Port"}, ROCKY)) == []


def test_an_unsupported_function_is_rejected_and_never_treated_as_data() -> None:
    with pytest.raises(NotSupported, match="yaql"):
        list(find_references({"yaql": {}}, ROCKY))


def test_a_function_of_a_later_version_is_data() -> None:
    earlier = build_hot_functions("2015-04-30")

    assert resolve_functions({"map_merge": [{}]}, earlier, Names()) == {"map_merge": [{}]}
    with pytest.raises(StackValidationFailed):
        list(find_references({"get_attr": ["Port"]}, earlier))


def test_the_first_version_has_cloudformation_functions() -> None:
    first = build_hot_functions("2013-05-23")

    assert resolve_functions({"Fn::Join": ["-", [{"Ref": "Port"}, "a"]]}, first, Names()) == "port-1-a"
