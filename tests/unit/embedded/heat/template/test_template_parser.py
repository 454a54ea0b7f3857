"""Templates as sent, and Heat's first error for them."""

from __future__ import annotations

import json

import pytest

from guestagent.embedded.heat.template.errors import RequestLimitExceeded
from guestagent.embedded.heat.template.parser import load_source, parse_template
from guestagent.embedded.http.errors import ApiError
from tests.support.yaml_texts import ALIAS_BOMB

VERSION = {"AWSTemplateFormatVersion": "2010-09-09"}


def test_yaml_and_json_text_and_a_mapping_are_the_same_template() -> None:
    text = "AWSTemplateFormatVersion: 2010-09-09\nResources:\n  V: {Type: 'OS::Heat::Value'}\n"
    mapping = {**VERSION, "Resources": {"V": {"Type": "OS::Heat::Value"}}}

    assert load_source(text) == load_source(json.dumps(mapping)) == load_source(mapping) == mapping


def test_keys_that_heat_ignores_are_ignored() -> None:
    template = parse_template({**VERSION, "Resources": {"V": {"Type": "T", "CreationPolicy": {"Count": 3}}}})

    assert list(template.resources) == ["V"]


def test_a_definition_has_its_references() -> None:
    value = {
        "Type": "T",
        "DependsOn": "A",
        "Properties": {"p": {"Ref": "B"}},
        "Metadata": {"m": {"Ref": "C"}},
    }

    definition = parse_template({**VERSION, "Resources": {"V": value}}).resources["V"]

    assert definition.depends_on == ("A",)
    assert [use.name for use in definition.references] == ["B", "C"]


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ({}, "The template version is invalid: Template version was not provided"),
        (
            {**VERSION, "heat_template_version": "2018-08-31"},
            "The template version is invalid: Ambiguous versions",
        ),
        ({"AWSTemplateFormatVersion": "2010-01-01"}, "The template version is invalid: "),
        ({"heat_template_version": "2018-08-30"}, "The template version is invalid: "),
        ({**VERSION, "Resource": {}}, "The template section is invalid: Resource"),
        ({**VERSION, "Resources": {"V": {}}}, "Each Resource must contain a Type key."),
        (
            {**VERSION, "Resources": {"V": "x"}},
            "Resources must contain Resource. Found a [<class 'str'>] instead",
        ),
        ({**VERSION, "Resources": ["x"]}, "'list' object has no attribute 'values'"),
        (
            {**VERSION, "Resources": {"V": {"Type": "T", "Condition": "C"}}},
            "Condition (of V), by this imitation",
        ),
        (
            {**VERSION, "Resources": {"V": {"Type": "T", "DeletionPolicy": "Never"}}},
            'Invalid deletion policy "Never"',
        ),
        ({**VERSION, "Resources": {"V": {"Type": "T", "DependsOn": 1}}}, "Resource V DependsOn type must be"),
        (
            {**VERSION, "Outputs": {"O": {}}},
            "Output validation error: Outputs.O: Each output definition must contain a Value key.",
        ),
        (
            {**VERSION, "Resources": {f"V{n}": {"Type": "T"} for n in range(1001)}},
            "Request limit exceeded: Maximum resources per stack exceeded.",
        ),
    ],
)
def test_an_invalid_template_is_rejected(template: dict[str, object], message: str) -> None:
    with pytest.raises(ApiError) as caught:
        parse_template(template)

    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ("a: [", "Template not in valid format: Error parsing template [root stack] while"),
        ("- a", "The template is not a JSON object"),
        ("x" * 524_289, "Request limit exceeded: Template size (524289 bytes)"),
        ({"Description": "x" * 524_288}, "Request limit exceeded: Template size"),
    ],
)
def test_other_content_is_rejected(sent: object, message: str) -> None:
    with pytest.raises(ApiError) as caught:
        load_source(sent)

    assert str(caught.value).startswith(message)


def test_a_template_whose_aliases_repeat_too_much_is_too_large() -> None:
    with pytest.raises(RequestLimitExceeded, match="more than 524288 characters that aliases repeat"):
        load_source(ALIAS_BOMB)


def test_aliases_are_read_as_their_values() -> None:
    assert load_source("a: &a {b: 2010-09-09}\nc: *a\n") == {
        "a": {"b": "2010-09-09"},
        "c": {"b": "2010-09-09"},
    }
