"""What a handle answers to a PUT: bodies good and bad, content types, and everything that breaks a signature."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlsplit

import requests

from tests.contract.guest import BODY, PATIENCE, Key, body, heard, put, shape, signal
from tests.contract.heat import Heat, Stack
from tests.contract.rule import Area, Observation
from tests.contract.templates import att, cfn, condition, handle, poller, value

area = Area("signals by presigned URL")
GOOD = "200 H"
INVALID = (
    "500 InternalFailure: The request processing has failed due to an internal error:"
    "ValueError: resources.H: Metadata format invalid"
)
UNREAD = "500 (empty)"
DENIED = "403 AccessDenied: User is not authorized to perform action"
GONE = "500 (empty)"  # to Heat 27 a key that Keystone does not know is no refusal, but an accident


def handles(heat: Heat) -> Stack:
    """A stack at rest with a handle, another, and the key of a node."""
    secret = att("Key", "SecretAccessKey")
    return heat.stack(
        cfn(
            {"Key": {"Ref": "Key"}, "KeySecret": secret}, H=handle(), Other=handle(), V=value(), **poller("V")
        )
    ).settled()


def url(heat: Heat) -> str:
    return heat.shared("handles", handles).url("H")


def answered(words: str, sent: object, says: str, newer: str | None = None) -> None:
    """A body as JSON, and what is heard."""
    area.add(words, lambda heat: put(url(heat), sent), says, newer)


def asked(
    words: str,
    says: str,
    newer: str | None = None,
    *,
    method: str = "PUT",
    data: str | bytes = json.dumps(BODY),
    more: str = "",
    headers: Mapping[str, str] | None = None,
) -> None:
    """A good signal but for one thing, and what is heard."""

    def observe(heat: Heat) -> Observation:
        return heard(requests.request(method, url(heat) + more, data=data, headers=headers, timeout=PATIENCE))

    area.add(words, observe, says, newer)


answered("a signal has four keys", BODY, GOOD)
answered("the same signal again is as good", BODY, GOOD)
answered("a failure is a signal too", body("FAILURE", unique="failed"), GOOD)
answered("data may be a mapping", body(data={"lag": 0, "list": [1, None, "ü"]}), GOOD)
answered("data may be nothing", body(data=None), GOOD)
answered("a reason may be empty", body(reason=""), GOOD)
answered("a reason may be any JSON", body(reason={"why": [1]}, unique="odd"), GOOD)
answered("a unique id may be empty", body(unique=""), GOOD)
answered("a unique id may be a number", body(unique=7), GOOD)
answered("a unique id may be nothing", body(unique=None), GOOD)
answered("another status is refused", body("DONE"), INVALID)
answered("a status in lower case is refused", body("success"), INVALID)
answered("a status of nothing is refused", {**BODY, "Status": None}, INVALID)
answered("another key is refused", {**BODY, "Extra": 1}, INVALID)
answered("keys in lower case are refused", {key.lower(): each for key, each in BODY.items()}, INVALID)
answered("an empty mapping is refused", {}, INVALID)
for lost in BODY:
    answered(f"a signal without {lost} is refused", {k: v for k, v in BODY.items() if k != lost}, INVALID)
answered("a list is not read", [BODY], UNREAD)
answered("a text is not read", "SUCCESS", UNREAD)
answered("a number is not read", 1, UNREAD)
answered("JSON's null is not read", None, UNREAD)
asked("an empty body is not read", UNREAD, data="")
asked("what is not JSON is not read", UNREAD, data="Status: SUCCESS")
asked("a body of more than a mebibyte is not read", UNREAD, data=json.dumps(body(data="x" * 2**20)))
asked(
    "a body of sixty thousand characters is read",
    GOOD,
    data=json.dumps(body(unique="long", data="x" * 60_000)),
)
asked("Latin-1 in the body is not read", UNREAD, data='{"Status": "ü"}'.encode("latin-1"))
for kind in ("application/json", "application/json; charset=utf-8", "text/plain", ""):
    asked(f"content type {kind or 'none at all'} is fine", GOOD, headers={"Content-Type": kind})
for kind in ("application/octet-stream", "application/xml", "multipart/form-data"):
    asked(f"content type {kind} is not read", UNREAD, headers={"Content-Type": kind})
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
asked("a form's content type breaks the signature", DENIED, headers=FORM)
asked("another parameter breaks the signature", DENIED, more="&extra=1")
asked("another host breaks the signature", DENIED, headers={"Host": "elsewhere:8000"})
asked("POST breaks the signature", DENIED, method="POST")
asked("GET breaks the signature", DENIED, method="GET")
asked("DELETE breaks the signature", DENIED, method="DELETE")
asked("a header of one's own is fine", GOOD, headers={"X-Anything": "1", "User-Agent": "guestagent"})


def mended(heat: Heat, old: str, new: str) -> str:
    """What is heard at the URL with a part of it replaced."""
    good = url(heat)
    assert old in good, good
    return put(good.replace(old, new, 1))


def tampered(words: str, old: str, new: str, says: str, newer: str | None = None) -> None:
    area.add(words, lambda heat: mended(heat, old, new), says, newer)


tampered("another signature is refused", "&Signature=", "&Signature=A", DENIED)
tampered("another time stamp is refused", "Timestamp=20", "Timestamp=21", DENIED)
tampered("another access key is refused", "AWSAccessKeyId=", "AWSAccessKeyId=0", DENIED, GONE)
tampered("the name of the method of signing is not looked at", "HmacSHA256", "HmacSHA1", GOOD)
tampered("another version of signing is refused", "SignatureVersion=2", "SignatureVersion=1", DENIED)
tampered("another handle's address is refused", "resources/H?", "resources/Other?", DENIED)
tampered("a handle that is not there is refused", "resources/H?", "resources/Nobody?", DENIED)
tampered(
    "no signature is another refusal",
    "&Signature=",
    "&Seal=",
    "400 IncompleteSignature: The request signature does not conform to AWS standards",
)
tampered(
    "no access key is another refusal",
    "AWSAccessKeyId=",
    "Key=",
    "403 MissingAuthenticationToken: Does not contain a valid AWS Access Key or certificate",
)


@area.rule("400 IncompleteSignature: The request signature does not conform to AWS standards")
def the_bare_address_is_refused(heat: Heat) -> Observation:
    return put(url(heat).partition("?")[0])


@area.rule(
    "/v1/waitcondition/arn:openstack:heat::<hex>:stacks/<stack>/<id>/resources/H?SignatureMet"
    "hod&SignatureVersion&AWSAccessKeyId&Timestamp&Signature"
)
def the_url_is_made_so(heat: Heat) -> Observation:
    stack = heat.shared("handles", handles)
    return stack.anonymous(shape(stack.url("H")))


@area.rule(True)
def the_url_leads_to_the_cfn_service(heat: Heat) -> Observation:
    return urlsplit(url(heat)).netloc == urlsplit(heat.cfn_url).netloc


@area.rule(True)
def the_url_never_changes(heat: Heat) -> Observation:
    return url(heat) == url(heat)


@area.rule("200 H")
def the_order_of_the_parameters_does_not_matter(heat: Heat) -> Observation:
    address, _, query = url(heat).partition("?")
    return put(f"{address}?{'&'.join(reversed(query.split('&')))}")


@area.rule("200 H")
def an_address_whose_colons_are_not_quoted_is_as_good(heat: Heat) -> Observation:
    address, _, query = url(heat).partition("?")
    return put(f"{address.replace('%3A', ':')}?{query}")


@area.rule(
    ["200 DescribeStackResourceResponse", "403 AccessDenied: User is not authorized to perform action"]
)
def a_signed_request_that_is_too_old_is_refused(heat: Heat) -> Observation:
    key = Key.of(heat.shared("handles", handles))
    return [heard(key.describe("V", age=timedelta(minutes=minutes))) for minutes in (14, 16)]


@area.rule("200 DescribeStackResourceResponse")
def a_time_stamp_of_tomorrow_is_as_good(heat: Heat) -> Observation:
    return heard(Key.of(heat.shared("handles", handles)).describe("V", age=timedelta(days=-1)))


@area.rule("200 H")
def a_node_s_key_signs_for_every_handle_of_its_stack(heat: Heat) -> Observation:
    key = Key.of(heat.shared("handles", handles))
    return heard(key.ask("PUT", url(heat).partition("?")[0], {}, data=json.dumps(BODY)))


@area.rule([DENIED, "GONE"], [GONE, "GONE"])
def a_deleted_stack_s_handle_is_refused(heat: Heat) -> Observation:
    stack = heat.stack(cfn(H=handle())).settled()
    there = stack.url("H")

    stack.delete().settled()

    return [put(there), stack.state()]


@area.rule(DENIED, GONE)
def a_removed_handle_is_refused(heat: Heat) -> Observation:
    stack = heat.stack(cfn(H=handle(), V=value())).settled()
    there = stack.url("H")

    stack.update(cfn(V=value())).settled()

    return put(there)


@area.rule("200 Other")
def a_handle_that_no_condition_looks_at_takes_signals(heat: Heat) -> Observation:
    return put(heat.shared("handles", handles).url("Other"))


@area.rule([GOOD, GOOD])
def a_condition_that_is_complete_or_failed_leaves_its_handle_open(heat: Heat) -> Observation:
    complete = signal(heat.stack(cfn(H=handle(), W=condition()))).settled()
    failed = heat.stack(cfn(H=handle(), W=condition(timeout=1))).settled()

    return [put(complete.url("H")), put(failed.url("H"))]


asked("a body of nearly a mebibyte is read", GOOD, data=json.dumps(body(unique="long", data="x" * 1_000_000)))
