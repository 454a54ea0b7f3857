"""Presigned URLs, compared with the client library that guests sign with."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from keystoneclient.contrib.ec2.utils import Ec2Signer  # type: ignore[import-untyped]

from guestagent.embedded.openstack.keystone.ec2_signature import (
    SignedRequest,
    compute_signature,
    has_valid_signature,
    presign_url,
)
from guestagent.secret import Secret

KEY = Secret("0123456789abcdef")
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
TTL = timedelta(minutes=15)
HANDLE = "http://10.77.0.1:8000/v1/waitcondition/arn%3Aopenstack%3Aheat%3A%3Ap%3Astacks/s/i/resources/H"


def as_sent(url: str, verb: str = "PUT", host: str = "") -> SignedRequest:
    parts = urlsplit(url)
    return SignedRequest(verb, host or parts.netloc, unquote(parts.path), dict(parse_qsl(parts.query)))


def test_a_presigned_url_is_valid() -> None:
    url = presign_url(HANDLE, "access", KEY, NOW)

    assert has_valid_signature(as_sent(url), KEY, NOW, TTL)
    assert list(as_sent(url).params) == [
        "SignatureMethod",
        "SignatureVersion",
        "AWSAccessKeyId",
        "Timestamp",
        "Signature",
    ]


def test_the_name_of_the_method_is_ignored() -> None:
    url = presign_url(HANDLE, "access", KEY, NOW).replace("HmacSHA256", "HmacSHA1")

    assert has_valid_signature(as_sent(url), KEY, NOW, TTL)


@pytest.mark.parametrize(
    "changed",
    [
        lambda url: as_sent(url, verb="POST"),
        lambda url: as_sent(url, host="10.77.0.2:8000"),
        lambda url: as_sent(url.replace("resources/H", "resources/G")),
        lambda url: as_sent(url + "&more=1"),
        lambda url: as_sent(url.replace("Signature=", "Signature=x")),
        lambda url: as_sent(url.partition("&Signature=")[0]),
        lambda url: as_sent(url.replace("2026-11-23", "2026-11-24")),
    ],
)
def test_any_change_invalidates_the_signature(changed: object) -> None:
    assert callable(changed)

    assert not has_valid_signature(changed(presign_url(HANDLE, "access", KEY, NOW)), KEY, NOW, TTL)


@pytest.mark.parametrize(("later", "good"), [(timedelta(minutes=15), True), (timedelta(minutes=16), False)])
def test_a_signature_expires_after_the_clouds_auth_ttl(later: timedelta, good: bool) -> None:
    url = presign_url(HANDLE, "access", KEY, NOW)

    assert has_valid_signature(as_sent(url), KEY, NOW + later, TTL) is good


def test_a_signature_without_a_timestamp_never_expires_and_needs_no_port() -> None:
    asked = {"Action": "DescribeStackResource", "StackName": "s t", "SignatureVersion": "2"}
    signature = Ec2Signer(KEY.reveal()).generate(
        {"params": asked, "verb": "GET", "host": "10.77.0.1", "path": "/v1/"}
    )
    request = SignedRequest("GET", "10.77.0.1:8000", "/v1/", {**asked, "Signature": signature})

    assert has_valid_signature(request, KEY, NOW + timedelta(days=900), TTL)


def test_a_signature_over_an_ipv6_host_needs_no_port_either() -> None:
    asked = {"Action": "DescribeStackResource", "SignatureVersion": "2"}
    signed = compute_signature(SignedRequest("GET", "[fd00:77:1::1]", "/v1/", asked), KEY)
    request = SignedRequest("GET", "[fd00:77:1::1]:8000", "/v1/", {**asked, "Signature": signed})

    assert has_valid_signature(request, KEY, NOW, TTL)


def test_an_invalid_timestamp_is_rejected() -> None:
    params = {"Timestamp": "now"}
    request = SignedRequest("GET", "h", "/", params)
    signed = SignedRequest("GET", "h", "/", {**params, "Signature": compute_signature(request, KEY)})

    assert not has_valid_signature(signed, KEY, NOW, TTL)
