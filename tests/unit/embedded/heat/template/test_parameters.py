"""Parameters of both template formats: declarations, values and their format."""

from __future__ import annotations

import pytest

from guestagent.embedded.heat.template.errors import (
    InvalidSchemaError,
    StackValidationFailed,
    UnknownUserParameter,
    UserParameterMissing,
)
from guestagent.embedded.heat.template.parameters import (
    TemplateParameter,
    parse_parameter,
    resolve_parameters,
)
from guestagent.embedded.heat.template.template_format import CFN_FORMAT, detect_format

HOT = detect_format({"heat_template_version": "2018-08-31"})


def hot(**snippet: object) -> dict[str, TemplateParameter]:
    return {"p": parse_parameter("p", snippet, HOT)}


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        ("string", 7, "7"),
        ("number", "7", 7),
        ("number", "0.5", 0.5),
        ("boolean", "On", True),
        ("boolean", False, False),
        ("comma_delimited_list", "a,b", ["a", "b"]),
        ("comma_delimited_list", [1], ["1"]),
        ("json", '{"a": [1]}', {"a": [1]}),
        ("json", {"a": 1}, {"a": 1}),
    ],
)
def test_a_value_is_converted_to_its_type(kind: str, given: object, value: object) -> None:
    assert resolve_parameters(hot(type=kind), {"p": given}) == {"p": value}


@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        ("number", "abc", "could not convert string to float: 'abc'"),
        ("boolean", "perhaps", "Unrecognized value 'perhaps'"),
        ("json", "{", "Value must be valid JSON: "),
        ("json", "7", "Value must be valid JSON: 7"),
        ("string", ["a"], "Value must be a string"),
    ],
)
def test_a_value_of_another_type_is_rejected(kind: str, given: object, message: str) -> None:
    with pytest.raises(StackValidationFailed) as caught:
        resolve_parameters(hot(type=kind), {"p": given})

    assert str(caught.value).startswith(f"Parameter 'p' is invalid: {message}")


def test_only_a_default_replaces_a_missing_value() -> None:
    assert resolve_parameters(hot(type="string", default="d"), {}) == {"p": "d"}
    with pytest.raises(UserParameterMissing, match=r"The Parameter \(p\) was not provided\."):
        resolve_parameters(hot(type="string"), {})
    with pytest.raises(UnknownUserParameter, match=r"The Parameter \(q\) was not defined in template\."):
        resolve_parameters(hot(type="string"), {"p": "x", "q": "y"})


@pytest.mark.parametrize(
    ("snippet", "message"),
    [
        ("text", "Invalid parameter (p), expected a mapping"),
        ({"default": "x"}, "Missing parameter type for parameter: p"),
        ({"type": "string", "Default": "x"}, "Invalid key 'Default' for parameter (p)"),
        ({"type": "String"}, "Invalid type (String)"),
    ],
)
def test_an_invalid_declaration_is_rejected(snippet: object, message: str) -> None:
    with pytest.raises(InvalidSchemaError) as caught:
        parse_parameter("p", snippet, HOT)

    assert str(caught.value) == message


def test_a_hidden_value_is_never_shown() -> None:
    in_hot = hot(type="string", hidden=True)["p"]
    in_cfn = parse_parameter("p", {"Type": "String", "NoEcho": "true"}, CFN_FORMAT)

    assert in_hot.format_value("secret") == in_cfn.format_value("secret") == "******"


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [("comma_delimited_list", ["a", "b"], "a,b"), ("json", {"a": 1}, '{"a": 1}'), ("number", 7, "7")],
)
def test_other_values_are_shown_as_text(kind: str, value: object, shown: str) -> None:
    assert hot(type=kind)["p"].format_value(value) == shown
