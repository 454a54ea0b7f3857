"""The environment of a request, as text."""

from __future__ import annotations

import pytest

from guestagent.embedded.heat.api.stack_requests import parse_request
from guestagent.embedded.heat.template.parser import EMPTY_TEMPLATE, load_source, parse_template
from guestagent.embedded.http.errors import HTTPBadRequest
from tests.support.yaml_texts import ALIAS_BOMB

TEMPLATE = parse_template(
    load_source("heat_template_version: 2018-08-31\nparameters: {size: {type: number}}\n")
)


def test_the_parameters_of_an_environment_are_those_of_the_request() -> None:
    body = {"environment": "parameters: {size: &size 2, other: *size}"}

    assert parse_request(body, TEMPLATE, {}).input_parameters == {"size": 2, "other": 2}


def test_an_environment_whose_aliases_repeat_too_much_is_rejected() -> None:
    with pytest.raises(HTTPBadRequest, match="aliases repeat more than 524288 characters"):
        parse_request({"environment": ALIAS_BOMB}, TEMPLATE, {})


def test_a_new_stack_needs_a_template() -> None:
    with pytest.raises(HTTPBadRequest, match="No template specified"):
        parse_request({"environment": "{}"}, EMPTY_TEMPLATE, {})
