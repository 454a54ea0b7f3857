"""The handles of HOT: what each signal transport shows, and what its token or account may do."""

from __future__ import annotations

import json
from typing import Any

from tests.contract.guest import shape
from tests.contract.heat import Document, Heat, Stack, anonymous, said
from tests.contract.rule import Area, Observation
from tests.contract.templates import hot, hot_handle

area = Area("handles of HOT")


def attribute(name: str, of: str = "H") -> Document:
    return {"get_attr": [of, name]}


def armed(heat: Heat, transport: str) -> Stack:
    """A stack at rest whose one handle shows all that it has; one for each transport."""
    names = ("signal", "curl_cli", "token", "endpoint")
    outputs = {**{name: attribute(name) for name in names}, "ref": {"get_resource": "H"}}
    make = hot(outputs, H=hot_handle(transport))

    def standing(heat: Heat) -> Stack:
        stack = heat.stack(make).settled()
        for name in outputs:
            stack.output(name)  # the first reading makes keys: two at once would make two
        return stack

    return heat.shared(f"handle {transport}", standing)


def said_by_rest(stack: Stack, sent: object) -> Observation:
    """What heat-api says to a signal."""
    answer = stack.ask("/resources/H/signal", "POST", json=sent)
    return [said(answer), answer.text.strip()]


def document(heat: Heat, transport: str) -> Any:
    return json.loads(armed(heat, transport).output("signal"))


def keys(found: object) -> Observation:
    return sorted(found) if isinstance(found, dict) else found


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


def transported(transport: str, document_keys: list[str] | None, token: bool) -> None:
    """What a handle of a transport shows."""
    area.add(
        f"the signal attribute of {transport}", lambda heat: keys(document(heat, transport)), document_keys
    )
    area.add(
        f"whether {transport} has a token and an endpoint",
        lambda heat: [armed(heat, transport).output(name) is not None for name in ("token", "endpoint")],
        [token, token],
    )
    area.add(
        f"the reference to a handle of {transport} is a user's id",
        lambda heat: anonymous(armed(heat, transport).output("ref")),
        "<hex>",
    )


transported("CFN_SIGNAL", ["alarm_url"], token=False)


transported("TOKEN_SIGNAL", None, token=True)


transported("HEAT_SIGNAL", ACCOUNT, token=False)


transported("NO_SIGNAL", [], token=False)


@area.rule(None)
def a_handle_without_a_transport_has_no_signal(heat: Heat) -> Observation:
    return keys(document(heat, ""))


@area.rule("str")
def the_signal_attribute_is_text(heat: Heat) -> Observation:
    return type(armed(heat, "CFN_SIGNAL").output("signal")).__name__


@area.rule(
    "/v1/waitcondition/arn:openstack:heat::<hex>:stacks/<stack>/<id>/resources/H?SignatureMet"
    "hod&SignatureVersion&AWSAccessKeyId&Timestamp&Signature"
)
def the_url_of_cfn_signal_is_made_so(heat: Heat) -> Observation:
    return armed(heat, "CFN_SIGNAL").anonymous(shape(document(heat, "CFN_SIGNAL")["alarm_url"]))


@area.rule(
    "curl -i -X POST -H 'X-Auth-Token: <token>' -H 'Content-Type: application/json' -H "
    "'Accept: application/json' <endpoint>"
)
def curl_cli_is_a_command_with_a_token(heat: Heat) -> Observation:
    stack = armed(heat, "TOKEN_SIGNAL")
    return (
        stack.output("curl_cli")
        .replace(stack.output("token"), "<token>")
        .replace(stack.output("endpoint"), "<endpoint>")
    )


@area.rule("<hex>/stacks/<stack>/<id>/resources/H/signal")
def the_endpoint_is_the_rest_address_of_the_signal(heat: Heat) -> Observation:
    stack = armed(heat, "TOKEN_SIGNAL")
    return stack.anonymous(stack.output("endpoint").partition("/v1/")[2])


@area.rule(
    {
        "username": "<stack>-H-<random>",
        "user_id": "<hex>",
        "project_id": "<hex>",
        "domain_id": "<hex>",
        "region_name": "RegionOne",
    }
)
def heat_signal_names_the_account_of_the_handle(heat: Heat) -> Observation:
    found = document(heat, "HEAT_SIGNAL")
    stack = armed(heat, "HEAT_SIGNAL")
    return {
        key: stack.anonymous(str(found[key]))
        for key in ("username", "user_id", "project_id", "domain_id", "region_name")
    }


@area.rule(["200", "null"])
def the_handle_s_token_may_signal(heat: Heat) -> Observation:
    return with_token(heat, "/signal", "POST")


@area.rule(403)
def the_handle_s_token_may_not_list_stacks(heat: Heat) -> Observation:
    stack = armed(heat, "TOKEN_SIGNAL")
    url = stack.output("endpoint").partition("/stacks/")[0] + "/stacks"
    answer = heat.session.get(
        url, headers={"X-Auth-Token": stack.output("token")}, authenticated=False, raise_exc=False
    )
    return answer.status_code


def with_token(heat: Heat, below: str, method: str) -> Observation:
    stack = armed(heat, "TOKEN_SIGNAL")
    headers = {"X-Auth-Token": stack.output("token")}
    answer = heat.session.request(
        stack.output("endpoint"), method, headers=headers, json={}, authenticated=False, raise_exc=False
    )
    return [said(answer), answer.text.strip()]


@area.rule(["200", "null"])
def heat_signal_s_account_may_signal(heat: Heat) -> Observation:
    return by_account(document(heat, "HEAT_SIGNAL"), armed(heat, "HEAT_SIGNAL"), "H")


@area.rule([["200", "null"], "SIGNAL_COMPLETE"])
def heat_signal_s_account_signals_every_handle_of_its_stack(heat: Heat) -> Observation:
    stack = heat.stack(
        hot({"signal": attribute("signal")}, H=hot_handle("HEAT_SIGNAL"), Other=hot_handle())
    ).settled()
    answer = by_account(json.loads(stack.output("signal")), stack, "Other")
    stack.happened("Other", "SIGNAL_COMPLETE")
    return [answer, stack.get("/resources/Other/events")["events"][0]["resource_status"]]


def by_account(account: Document, stack: Stack, resource: str) -> Observation:
    """What the account of a handle hears when it signals a resource."""
    user = {"id": account["user_id"], "password": account["password"]}
    scope = {"project": {"id": account["project_id"]}}
    asked = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}
    session = stack.heat.session
    url = f"{stack.heat.auth['auth_url']}/auth/tokens"
    login = session.post(url, json=asked, authenticated=False, raise_exc=False)
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
    return [said(answer), answer.text.strip()[:4]]
