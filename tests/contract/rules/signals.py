"""Responses of a handle to a PUT: valid and invalid bodies, content types, and invalid signatures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlsplit

import requests

from tests.contract.guest import (
    BODY,
    REQUEST_TIMEOUT_S,
    NodeKey,
    build_body,
    format_cfn_response,
    mask_url,
    put_signal,
    signal_handle,
)
from tests.contract.heat import ContractStack, HeatClient
from tests.contract.heat_rule_area import HeatRuleArea
from tests.contract.rule import Observation
from tests.contract.templates import att, cfn, condition, handle, node_key, value

area = HeatRuleArea("signals by presigned URL")
GOOD = "200 H"
INVALID = (
    "500 InternalFailure: The request processing has failed due to an internal error:"
    "ValueError: resources.H: Metadata format invalid"
)
UNREAD = "500 (empty)"
DENIED = "403 AccessDenied: User is not authorized to perform action"
GONE = "500 (empty)"  # to Heat 27 a key that Keystone does not know is no refusal, but an accident


def create_handle_stack(heat: HeatClient) -> ContractStack:
    """Create a settled stack with two handles and the key of a node."""
    secret = att("Key", "SecretAccessKey")
    return heat.create_stack(
        cfn(
            {"Key": {"Ref": "Key"}, "KeySecret": secret},
            H=handle(),
            Other=handle(),
            V=value(),
            **node_key("V"),
        )
    ).wait_until_settled()


def get_handle_url(heat: HeatClient) -> str:
    return heat.get_shared_stack("handles", create_handle_stack).read_handle_url("H")


def add_body_rule(words: str, body: object, says: str, newer: str | None = None) -> None:
    """Add a rule for the response to a JSON body."""
    area.add(words, lambda heat: put_signal(get_handle_url(heat), body), says, newer)


def add_request_rule(
    words: str,
    says: str,
    newer: str | None = None,
    *,
    method: str = "PUT",
    data: str | bytes = json.dumps(BODY),
    more: str = "",
    headers: Mapping[str, str] | None = None,
) -> None:
    """Add a rule for a valid signal with one deviation."""

    def observe(heat: HeatClient) -> Observation:
        return format_cfn_response(
            requests.request(
                method, get_handle_url(heat) + more, data=data, headers=headers, timeout=REQUEST_TIMEOUT_S
            )
        )

    area.add(words, observe, says, newer)


add_body_rule("a signal has four keys", BODY, GOOD)
add_body_rule("the same signal again is as good", BODY, GOOD)
add_body_rule("a failure is a signal too", build_body("FAILURE", unique="failed"), GOOD)
add_body_rule("data may be a mapping", build_body(data={"lag": 0, "list": [1, None, "ü"]}), GOOD)
add_body_rule("data may be nothing", build_body(data=None), GOOD)
add_body_rule("a reason may be empty", build_body(reason=""), GOOD)
add_body_rule("a reason may be any JSON", build_body(reason={"why": [1]}, unique="odd"), GOOD)
add_body_rule("a unique id may be empty", build_body(unique=""), GOOD)
add_body_rule("a unique id may be a number", build_body(unique=7), GOOD)
add_body_rule("a unique id may be nothing", build_body(unique=None), GOOD)
add_body_rule("another status is refused", build_body("DONE"), INVALID)
add_body_rule("a status in lower case is refused", build_body("success"), INVALID)
add_body_rule("a status of nothing is refused", {**BODY, "Status": None}, INVALID)
add_body_rule("another key is refused", {**BODY, "Extra": 1}, INVALID)
add_body_rule("keys in lower case are refused", {key.lower(): each for key, each in BODY.items()}, INVALID)
add_body_rule("an empty mapping is refused", {}, INVALID)
for lost in BODY:
    add_body_rule(
        f"a signal without {lost} is refused", {k: v for k, v in BODY.items() if k != lost}, INVALID
    )
add_body_rule("a list is not read", [BODY], UNREAD)
add_body_rule("a text is not read", "SUCCESS", UNREAD)
add_body_rule("a number is not read", 1, UNREAD)
add_body_rule("JSON's null is not read", None, UNREAD)
add_request_rule("an empty body is not read", UNREAD, data="")
add_request_rule("what is not JSON is not read", UNREAD, data="Status: SUCCESS")
add_request_rule(
    "a body of more than a mebibyte is not read", UNREAD, data=json.dumps(build_body(data="x" * 2**20))
)
add_request_rule(
    "a body of sixty thousand characters is read",
    GOOD,
    data=json.dumps(build_body(unique="long", data="x" * 60_000)),
)
add_request_rule("Latin-1 in the body is not read", UNREAD, data='{"Status": "ü"}'.encode("latin-1"))
for kind in ("application/json", "application/json; charset=utf-8", "text/plain", ""):
    add_request_rule(f"content type {kind or 'none at all'} is fine", GOOD, headers={"Content-Type": kind})
for kind in ("application/octet-stream", "application/xml", "multipart/form-data"):
    add_request_rule(f"content type {kind} is not read", UNREAD, headers={"Content-Type": kind})
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
add_request_rule("a form's content type breaks the signature", DENIED, headers=FORM)
add_request_rule("another parameter breaks the signature", DENIED, more="&extra=1")
add_request_rule("another host breaks the signature", DENIED, headers={"Host": "elsewhere:8000"})
add_request_rule("POST breaks the signature", DENIED, method="POST")
add_request_rule("GET breaks the signature", DENIED, method="GET")
add_request_rule("DELETE breaks the signature", DENIED, method="DELETE")
add_request_rule(
    "a header of one's own is fine", GOOD, headers={"X-Anything": "1", "User-Agent": "guestagent"}
)


def put_modified_url(heat: HeatClient, old: str, new: str) -> str:
    """Signal at a modified URL and return the response."""
    good = get_handle_url(heat)
    assert old in good, good
    return put_signal(good.replace(old, new, 1))


def add_url_rule(words: str, old: str, new: str, says: str, newer: str | None = None) -> None:
    area.add(words, lambda heat: put_modified_url(heat, old, new), says, newer)


add_url_rule("another signature is refused", "&Signature=", "&Signature=A", DENIED)
add_url_rule("another time stamp is refused", "Timestamp=20", "Timestamp=21", DENIED)
add_url_rule("another access key is refused", "AWSAccessKeyId=", "AWSAccessKeyId=0", DENIED, GONE)
add_url_rule("the name of the method of signing is not looked at", "HmacSHA256", "HmacSHA1", GOOD)
add_url_rule("another version of signing is refused", "SignatureVersion=2", "SignatureVersion=1", DENIED)
add_url_rule("another handle's address is refused", "resources/H?", "resources/Other?", DENIED)
add_url_rule("a handle that is not there is refused", "resources/H?", "resources/Nobody?", DENIED)
add_url_rule(
    "no signature is another refusal",
    "&Signature=",
    "&Seal=",
    "400 IncompleteSignature: The request signature does not conform to AWS standards",
)
add_url_rule(
    "no access key is another refusal",
    "AWSAccessKeyId=",
    "Key=",
    "403 MissingAuthenticationToken: Does not contain a valid AWS Access Key or certificate",
)


@area.rule("400 IncompleteSignature: The request signature does not conform to AWS standards")
def the_bare_address_is_refused(heat: HeatClient) -> Observation:
    return put_signal(get_handle_url(heat).partition("?")[0])


@area.rule(
    "/v1/waitcondition/arn:openstack:heat::<hex>:stacks/<stack>/<id>/resources/H?SignatureMet"
    "hod&SignatureVersion&AWSAccessKeyId&Timestamp&Signature"
)
def the_url_is_made_so(heat: HeatClient) -> Observation:
    stack = heat.get_shared_stack("handles", create_handle_stack)
    return stack.mask_ids(mask_url(stack.read_handle_url("H")))


@area.rule(True)
def the_url_leads_to_the_cfn_service(heat: HeatClient) -> Observation:
    return urlsplit(get_handle_url(heat)).netloc == urlsplit(heat.cfn_url).netloc


@area.rule(True)
def the_url_never_changes(heat: HeatClient) -> Observation:
    return get_handle_url(heat) == get_handle_url(heat)


@area.rule("200 H")
def the_order_of_the_parameters_does_not_matter(heat: HeatClient) -> Observation:
    address, _, query = get_handle_url(heat).partition("?")
    return put_signal(f"{address}?{'&'.join(reversed(query.split('&')))}")


@area.rule("200 H")
def an_address_whose_colons_are_not_quoted_is_as_good(heat: HeatClient) -> Observation:
    address, _, query = get_handle_url(heat).partition("?")
    return put_signal(f"{address.replace('%3A', ':')}?{query}")


@area.rule(
    ["200 DescribeStackResourceResponse", "403 AccessDenied: User is not authorized to perform action"]
)
def a_signed_request_that_is_too_old_is_refused(heat: HeatClient) -> Observation:
    key = NodeKey.from_outputs(heat.get_shared_stack("handles", create_handle_stack))
    return [format_cfn_response(key.describe("V", age=timedelta(minutes=minutes))) for minutes in (14, 16)]


@area.rule("200 DescribeStackResourceResponse")
def a_time_stamp_of_tomorrow_is_as_good(heat: HeatClient) -> Observation:
    return format_cfn_response(
        NodeKey.from_outputs(heat.get_shared_stack("handles", create_handle_stack)).describe(
            "V", age=timedelta(days=-1)
        )
    )


@area.rule("200 H")
def a_node_s_key_signs_for_every_handle_of_its_stack(heat: HeatClient) -> Observation:
    key = NodeKey.from_outputs(heat.get_shared_stack("handles", create_handle_stack))
    return format_cfn_response(
        key.request("PUT", get_handle_url(heat).partition("?")[0], {}, data=json.dumps(BODY))
    )


@area.rule([DENIED, "GONE"], [GONE, "GONE"])
def a_deleted_stack_s_handle_is_refused(heat: HeatClient) -> Observation:
    stack = heat.create_stack(cfn(H=handle())).wait_until_settled()
    url = stack.read_handle_url("H")

    stack.delete().wait_until_settled()

    return [put_signal(url), stack.read_state()]


@area.rule(DENIED, GONE)
def a_removed_handle_is_refused(heat: HeatClient) -> Observation:
    stack = heat.create_stack(cfn(H=handle(), V=value())).wait_until_settled()
    url = stack.read_handle_url("H")

    stack.update(cfn(V=value())).wait_until_settled()

    return put_signal(url)


@area.rule("200 Other")
def a_handle_that_no_condition_looks_at_takes_signals(heat: HeatClient) -> Observation:
    return put_signal(heat.get_shared_stack("handles", create_handle_stack).read_handle_url("Other"))


@area.rule([GOOD, GOOD])
def a_condition_that_is_complete_or_failed_leaves_its_handle_open(heat: HeatClient) -> Observation:
    complete = signal_handle(heat.create_stack(cfn(H=handle(), W=condition()))).wait_until_settled()
    failed = heat.create_stack(cfn(H=handle(), W=condition(timeout=1))).wait_until_settled()

    return [put_signal(complete.read_handle_url("H")), put_signal(failed.read_handle_url("H"))]


add_request_rule(
    "a body of nearly a mebibyte is read",
    GOOD,
    data=json.dumps(build_body(unique="long", data="x" * 1_000_000)),
)
