"""The handles of HOT: what each signal transport shows, and what its token or account may do."""

from __future__ import annotations

import json
from typing import Any

from tests.contract.guest import mask_url
from tests.contract.heat import ContractStack, Document, HeatClient, format_response, mask_ids
from tests.contract.heat_rule_area import HeatRuleArea
from tests.contract.rule import Observation
from tests.contract.templates import hot, hot_handle

area = HeatRuleArea("handles of HOT")


def build_get_attr(name: str, resource: str = "H") -> Document:
    return {"get_attr": [resource, name]}


def get_handle_stack(heat: HeatClient, transport: str) -> ContractStack:
    """Return the shared stack of a transport, whose outputs are all attributes of its handle."""
    names = ("signal", "curl_cli", "token", "endpoint")
    outputs = {**{name: build_get_attr(name) for name in names}, "ref": {"get_resource": "H"}}
    template = hot(outputs, H=hot_handle(transport))

    def create_stack(heat: HeatClient) -> ContractStack:
        stack = heat.create_stack(template).wait_until_settled()
        for name in outputs:
            stack.read_output(name)  # the first read creates the key: two at once would create two
        return stack

    return heat.get_shared_stack(f"handle {transport}", create_stack)


def signal_by_rest(stack: ContractStack, body: object) -> Observation:
    """Signal through heat-api and return the response."""
    answer = stack.request("/resources/H/signal", "POST", json=body)
    return [format_response(answer), answer.text.strip()]


def read_document(heat: HeatClient, transport: str) -> Any:
    return json.loads(get_handle_stack(heat, transport).read_output("signal"))


def list_keys(document: object) -> Observation:
    return sorted(document) if isinstance(document, dict) else document


ACCOUNT = [
    "alarm_url",
    "auth_url",
    "domain_id",
    "password",
    "project_id",
    "region_name",
    "user_id",
    "username",
]


def add_transport_rules(transport: str, document_keys: list[str] | None, token: bool) -> None:
    """Add the rules for the attributes of a handle of a transport."""
    area.add(
        f"the signal attribute of {transport}",
        lambda heat: list_keys(read_document(heat, transport)),
        document_keys,
    )
    area.add(
        f"whether {transport} has a token and an endpoint",
        lambda heat: [
            get_handle_stack(heat, transport).read_output(name) is not None for name in ("token", "endpoint")
        ],
        [token, token],
    )
    area.add(
        f"the reference to a handle of {transport} is a user's id",
        lambda heat: mask_ids(get_handle_stack(heat, transport).read_output("ref")),
        "<hex>",
    )


add_transport_rules("CFN_SIGNAL", ["alarm_url"], token=False)


add_transport_rules("TOKEN_SIGNAL", None, token=True)


add_transport_rules("HEAT_SIGNAL", ACCOUNT, token=False)


add_transport_rules("NO_SIGNAL", [], token=False)


@area.rule(None)
def a_handle_without_a_transport_has_no_signal(heat: HeatClient) -> Observation:
    return list_keys(read_document(heat, ""))


@area.rule("str")
def the_signal_attribute_is_text(heat: HeatClient) -> Observation:
    return type(get_handle_stack(heat, "CFN_SIGNAL").read_output("signal")).__name__


@area.rule(
    "/v1/waitcondition/arn:openstack:heat::<hex>:stacks/<stack>/<id>/resources/H?SignatureMet"
    "hod&SignatureVersion&AWSAccessKeyId&Timestamp&Signature"
)
def the_url_of_cfn_signal_is_made_so(heat: HeatClient) -> Observation:
    return get_handle_stack(heat, "CFN_SIGNAL").mask_ids(
        mask_url(read_document(heat, "CFN_SIGNAL")["alarm_url"])
    )


@area.rule(
    "curl -i -X POST -H 'X-Auth-Token: <token>' -H 'Content-Type: application/json' -H "
    "'Accept: application/json' <endpoint>"
)
def curl_cli_is_a_command_with_a_token(heat: HeatClient) -> Observation:
    stack = get_handle_stack(heat, "TOKEN_SIGNAL")
    return (
        stack.read_output("curl_cli")
        .replace(stack.read_output("token"), "<token>")
        .replace(stack.read_output("endpoint"), "<endpoint>")
    )


@area.rule("<hex>/stacks/<stack>/<id>/resources/H/signal")
def the_endpoint_is_the_rest_address_of_the_signal(heat: HeatClient) -> Observation:
    stack = get_handle_stack(heat, "TOKEN_SIGNAL")
    return stack.mask_ids(stack.read_output("endpoint").partition("/v1/")[2])


@area.rule(
    {
        "username": "<stack>-H-<random>",
        "user_id": "<hex>",
        "project_id": "<hex>",
        "domain_id": "<hex>",
        "region_name": "RegionOne",
    }
)
def heat_signal_names_the_account_of_the_handle(heat: HeatClient) -> Observation:
    account = read_document(heat, "HEAT_SIGNAL")
    stack = get_handle_stack(heat, "HEAT_SIGNAL")
    return {
        key: stack.mask_ids(str(account[key]))
        for key in ("username", "user_id", "project_id", "domain_id", "region_name")
    }


@area.rule(["200", "null"])
def the_handle_s_token_may_signal(heat: HeatClient) -> Observation:
    return request_with_token(heat, "/signal", "POST")


@area.rule(403)
def the_handle_s_token_may_not_list_stacks(heat: HeatClient) -> Observation:
    stack = get_handle_stack(heat, "TOKEN_SIGNAL")
    url = stack.read_output("endpoint").partition("/stacks/")[0] + "/stacks"
    answer = heat.session.get(
        url, headers={"X-Auth-Token": stack.read_output("token")}, authenticated=False, raise_exc=False
    )
    return answer.status_code


def request_with_token(heat: HeatClient, below: str, method: str) -> Observation:
    stack = get_handle_stack(heat, "TOKEN_SIGNAL")
    headers = {"X-Auth-Token": stack.read_output("token")}
    answer = heat.session.request(
        stack.read_output("endpoint"), method, headers=headers, json={}, authenticated=False, raise_exc=False
    )
    return [format_response(answer), answer.text.strip()]


@area.rule(["200", "null"])
def heat_signal_s_account_may_signal(heat: HeatClient) -> Observation:
    return signal_by_account(read_document(heat, "HEAT_SIGNAL"), get_handle_stack(heat, "HEAT_SIGNAL"), "H")


@area.rule([["200", "null"], "SIGNAL_COMPLETE"])
def heat_signal_s_account_signals_every_handle_of_its_stack(heat: HeatClient) -> Observation:
    stack = heat.create_stack(
        hot({"signal": build_get_attr("signal")}, H=hot_handle("HEAT_SIGNAL"), Other=hot_handle())
    ).wait_until_settled()
    answer = signal_by_account(json.loads(stack.read_output("signal")), stack, "Other")
    stack.wait_for_event("Other", "SIGNAL_COMPLETE")
    return [answer, stack.read("/resources/Other/events")["events"][0]["resource_status"]]


def signal_by_account(account: Document, stack: ContractStack, resource: str) -> Observation:
    """Signal a resource with the account of a handle, and return the response."""
    user = {"id": account["user_id"], "password": account["password"]}
    scope = {"project": {"id": account["project_id"]}}
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}
    session = stack.heat.session
    url = f"{stack.heat.auth['auth_url']}/auth/tokens"
    login = session.post(url, json=body, authenticated=False, raise_exc=False)
    if login.status_code != 201:
        return login.status_code
    headers = {"X-Auth-Token": login.headers["X-Subject-Token"]}
    below = f"/stacks/{stack.name}/{stack.id}/resources/{resource}/signal"
    address = str(session.get_endpoint(service_type="orchestration")).rpartition("/")[0]
    answer = session.post(
        f"{address}/{account['project_id']}{below}",
        json={},
        headers=headers,
        authenticated=False,
        raise_exc=False,
    )
    return [format_response(answer), answer.text.strip()[:4]]
