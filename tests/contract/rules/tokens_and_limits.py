"""Access and limits: tokens, addresses, names, sizes."""

from __future__ import annotations

import json

import requests

from tests.contract.guest import REQUEST_TIMEOUT_S
from tests.contract.heat import HeatClient, format_response
from tests.contract.heat_rule_area import HeatRuleArea
from tests.contract.rule import Observation
from tests.contract.rules.reads import get_settled_stack
from tests.contract.templates import cfn, value

area = HeatRuleArea("tokens and limits")


def get_url(heat: HeatClient) -> str:
    return str(heat.session.get_endpoint(service_type="orchestration"))


def request_with_token(heat: HeatClient, token: str | None, url: str = "") -> requests.Response:
    headers = {} if token is None else {"X-Auth-Token": token}
    return requests.get(url or f"{get_url(heat)}/stacks", headers=headers, timeout=REQUEST_TIMEOUT_S)


@area.rule(401)
def a_request_without_a_token_is_rejected(heat: HeatClient) -> Observation:
    return request_with_token(heat, None).status_code


@area.rule(401)
def a_token_that_is_none_is_refused(heat: HeatClient) -> Observation:
    return request_with_token(heat, "gAAAAAB-no-such-token").status_code


@area.rule(200)
def a_token_of_the_project_is_fine(heat: HeatClient) -> Observation:
    return request_with_token(heat, heat.session.get_token()).status_code


@area.rule([204, 401])
def a_revoked_token_is_refused(heat: HeatClient) -> Observation:
    token = heat.request_token().headers["X-Subject-Token"]
    headers = {"X-Auth-Token": token, "X-Subject-Token": token}
    revoked = requests.delete(
        f"{heat.auth['auth_url']}/auth/tokens", headers=headers, timeout=REQUEST_TIMEOUT_S
    )
    return [revoked.status_code, request_with_token(heat, token).status_code]


@area.rule(401)
def a_wrong_password_gets_no_token(heat: HeatClient) -> Observation:
    return heat.request_token("wrong").status_code


@area.rule([403, "403 HTTPForbidden: Access was denied to this resource."])
def another_project_s_address_is_refused(heat: HeatClient) -> Observation:
    url = f"{get_url(heat).rpartition('/')[0]}/{'0' * 32}/stacks"
    answer = request_with_token(heat, heat.session.get_token(), url)
    return [answer.status_code, format_response(answer)]


@area.rule([300, ["v1.0"]])
def the_root_lists_the_versions_without_a_token(heat: HeatClient) -> Observation:
    answer = request_with_token(heat, None, get_url(heat).partition("/v1")[0] + "/")
    return [answer.status_code, [each["id"] for each in answer.json()["versions"]]]


@area.rule("400 HTTPBadRequest: Expecting property name enclosed in double quotes: line 1 column 3 (char 2)")
def a_request_that_is_not_json_is_rejected(heat: HeatClient) -> Observation:
    answer = heat.request("POST", "/stacks", data="{ no", headers={"Content-Type": "application/json"})
    return format_response(answer)


@area.rule("400 HTTPBadRequest: No template specified")
def a_stack_needs_a_template(heat: HeatClient) -> Observation:
    return format_response(heat.request("POST", "/stacks", json={"stack_name": "untold"}))


@area.rule("400 HTTPBadRequest: No stack name specified")
def a_stack_needs_a_name(heat: HeatClient) -> Observation:
    return format_response(heat.request("POST", "/stacks", json={"template": cfn(V=value())}))


@area.rule(
    "400 StackValidationFailed: Invalid stack name 1st must contain only alphanumeric or "
    '"_-." characters, must start with alpha and must be 255 characters or less.'
)
def a_name_begins_with_a_letter(heat: HeatClient) -> Observation:
    return heat.create_refused_stack(cfn(V=value()), stack_name="1st")


@area.rule(
    "400 StackValidationFailed: Invalid stack name a b must contain only alphanumeric or "
    '"_-." characters, must start with alpha and must be 255 characters or less.'
)
def a_name_has_no_blank(heat: HeatClient) -> Observation:
    return heat.create_refused_stack(cfn(V=value()), stack_name="a b")


@area.rule(
    "400 StackValidationFailed: Invalid stack name <long> must contain only alphanumeric or "
    '"_-." characters, must start with alpha and must be 255 characters or less.'
)
def a_name_has_at_most_255_characters(heat: HeatClient) -> Observation:
    return heat.create_refused_stack(cfn(V=value()), stack_name="x" * 256).replace("x" * 256, "<long>")


@area.rule("409 StackExists: The Stack (<stack>) already exists.")
def a_name_is_taken_while_its_stack_lives(heat: HeatClient) -> Observation:
    return heat.create_refused_stack(cfn(V=value()), stack_name=get_settled_stack(heat).name)


@area.rule(
    [
        "400 HTTPBadRequest: Only integer is acceptable by 'timeout_mins'.",
        "400 HTTPBadRequest: Value '-1' is invalid for 'timeout_mins' which only accepts non-negative integer.",
        "201",
    ]
)
def a_stack_s_timeout_is_a_number_of_minutes(heat: HeatClient) -> Observation:
    return [heat.create_refused_stack(cfn(V=value()), timeout_mins=each) for each in ("soon", -1, 0)]


@area.rule("400 ValueError: None")
def a_flag_that_is_neither_true_nor_false_is_refused_without_a_text(heat: HeatClient) -> Observation:
    return heat.create_refused_stack(cfn(V=value()), disable_rollback="perhaps")


@area.rule("400 UnknownUserParameter: The Parameter (Nothing) was not defined in template.")
def a_parameter_is_one_of_the_template(heat: HeatClient) -> Observation:
    return heat.create_refused_stack(cfn(V=value()), parameters={"Nothing": 1})


@area.rule("400 RequestLimitExceeded: Request limit exceeded: Maximum resources per stack exceeded.")
def a_stack_has_at_most_a_thousand_resources(heat: HeatClient) -> Observation:
    return heat.create_refused_stack(cfn(**{f"V{n}": value() for n in range(1001)}))


@area.rule(
    "400 RequestLimitExceeded: Request limit exceeded: Template size (524423 bytes) exceeds "
    "maximum allowed size (524288 bytes)."
)
def a_template_has_at_most_half_a_mebibyte(heat: HeatClient) -> Observation:
    return heat.create_refused_stack(json.dumps(cfn(V=value("x" * 524_288))))
