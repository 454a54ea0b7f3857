"""The results of CloudFormation functions, and the references in them."""

from __future__ import annotations

import pytest

from guestagent.embedded.heat.template.cfn_functions import CFN_FUNCTIONS
from guestagent.embedded.heat.template.errors import StackValidationFailed
from guestagent.embedded.heat.template.functions import find_references, resolve_functions
from guestagent.embedded.http.errors import NotSupported


class Names:
    """A stack with one resource, `Server`, whose attributes are its own name and theirs."""

    def resolve_reference(self, name: str) -> object:
        return {"Server": "server-1", "Empty": None, "Number": 7}[name]

    def get_resource(self, name: str) -> object:
        return self.resolve_reference(name)

    def get_parameter(self, name: str) -> object:
        return {"size": "large", "map": {"a": [{"b": "deep"}]}, "none": None}[name]

    def get_attribute(self, resource: str, name: str) -> object:
        return f"{resource}.{name}"


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ("text", "text"),
        ({"a": [1, {"Ref": "Server"}]}, {"a": [1, "server-1"]}),
        ({"Fn::GetAtt": ["Server", "PrivateIp"]}, "Server.PrivateIp"),
        ({"Fn::GetAtt": "Server.PrivateIp"}, "Server.PrivateIp"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Server"}, {"Ref": "Empty"}]]}, "a-server-1-"),
        ({"Fn::Base64": {"Fn::Join": ["", ["#!", "/bin/sh"]]}}, "#!/bin/sh"),
        ({"Fn::Select": ["1", ["a", "b"]]}, "b"),
        ({"Fn::Select": [9, ["a"]]}, ""),
        ({"Fn::Select": ["k", {"k": "v"}]}, "v"),
        ({"Fn::Select": ["k", '{"k": "v"}']}, "v"),
        ({"Fn::Select": ["k", ""]}, ""),
        ({"Fn::Split": [",", "a,b"]}, ["a", "b"]),
        ({"Fn::Replace": [{"$x": "1", "$xy": "2"}, "$x $xy"]}, "1 2"),
        ({"Ref": "Server", "other": 1}, {"Ref": "Server", "other": 1}),
        ({"Fn::Unheard": "of"}, {"Fn::Unheard": "of"}),
    ],
)
def test_a_value_is_resolved(value: object, result: object) -> None:
    assert resolve_functions(value, CFN_FUNCTIONS, Names()) == result


@pytest.mark.parametrize(
    "value",
    [
        {"Fn::Join": ["-", "text"]},
        {"Fn::Join": ["-", [{"Ref": "Number"}]]},
        {"Fn::Base64": ["list"]},
        {"Fn::Select": "text"},
        {"Fn::Split": [1, 2]},
        {"Fn::Replace": ["a", "b"]},
    ],
)
def test_invalid_arguments_are_an_error(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        resolve_functions(value, CFN_FUNCTIONS, Names())


def test_every_reference_is_found_with_its_path() -> None:
    value = {"UserData": {"Fn::Base64": {"Fn::Join": ["", [{"Ref": "A"}, {"Fn::GetAtt": ["B", "C"]}]]}}}

    found = [
        (use.name, use.attribute, use.path)
        for use in find_references(value, CFN_FUNCTIONS, "Resources.X.Properties")
    ]

    inside = "Resources.X.Properties.UserData.Fn::Base64.Fn::Join[1]"
    assert found == [("A", "", f"{inside}[0].Ref"), ("B", "C", f"{inside}[1].Fn::GetAtt")]


@pytest.mark.parametrize(
    "value", [{"Ref": 1}, {"Ref": {"Ref": "A"}}, {"Fn::GetAtt": ["A"]}, {"Fn::GetAtt": "A"}]
)
def test_a_malformed_reference_is_rejected(value: object) -> None:
    with pytest.raises(StackValidationFailed):
        list(find_references(value, CFN_FUNCTIONS, "Outputs.X"))


def test_an_unsupported_function_is_rejected_and_never_treated_as_data() -> None:
    with pytest.raises(NotSupported, match="Fn::If"):
        list(find_references({"Fn::If": ["c", 1, 2]}, CFN_FUNCTIONS, "Resources.X"))
