from __future__ import annotations

import base64
import json
import struct
from datetime import datetime, timedelta, timezone

import pytest

from guestagent.metadata.document import HotHandle, UnresolvedFunction
from guestagent.signal import find_expiry
from tests.support.signal_handles import (
    SIGNATURE,
    SIGNED_AT,
    URL,
    add_minutes,
    build_account_handle,
    build_cfn_handle,
    build_hot_handle,
    build_token_handle,
)


def encode_base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def build_fernet_token(issued_at: datetime) -> str:
    """As Keystone's default provider makes them: version, time of issue, and what only Keystone can read."""
    return encode_base64(b"\x80" + struct.pack(">Q", int(issued_at.timestamp())) + b"\xfe" * 100)


def build_jws_token(claims: object) -> str:
    return f"{encode_base64(b'{}')}.{encode_base64(json.dumps(claims).encode())}.{encode_base64(b'signed')}"


def test_a_presigned_url_lives_as_long_as_the_cloud_is_configured() -> None:
    expiry = find_expiry(build_cfn_handle(), auth_ttl=1800)

    assert expiry is not None
    assert expiry.expires_at == add_minutes(30)
    assert (
        expiry.describe(add_minutes(20))
        == "the handle's URL expires in 10 min, at 2026-11-23T18:30:00+00:00 (signal.auth_ttl after it was signed)"
    )


def test_an_expired_credential_shows_since_when() -> None:
    expiry = find_expiry(build_hot_handle(alarm_url=URL))

    assert expiry is not None
    assert expiry.describe(add_minutes(18)).startswith("the handle's URL expired 3 min ago, at ")


def test_a_fernet_token_shows_its_time_of_issue() -> None:
    expiry = find_expiry(build_token_handle(build_fernet_token(SIGNED_AT)))

    assert expiry is not None
    assert (expiry.expires_at, expiry.basis) == (
        SIGNED_AT + timedelta(hours=1),
        "if Keystone's tokens live its default hour",
    )


def test_a_signed_token_contains_its_expiry() -> None:
    at = SIGNED_AT + timedelta(hours=3)

    expiry = find_expiry(build_token_handle(build_jws_token({"exp": int(at.timestamp())})))

    assert expiry is not None
    assert (expiry.expires_at, expiry.basis) == (at, "as the token states")
    assert SIGNATURE not in repr(expiry)


@pytest.mark.parametrize(
    "token",
    [
        SIGNATURE,
        "a",
        "a.b.c",
        build_jws_token([]),
        build_jws_token({"exp": "soon"}),
        build_jws_token({"exp": 10**30}),
        encode_base64(b"\x80" + b"\xff" * 100),
        encode_base64(b"\x81" + b"\x00" * 100),
    ],
)
def test_of_any_other_token_nothing_is_known(token: str) -> None:
    assert find_expiry(build_token_handle(token)) is None


@pytest.mark.parametrize(
    "handle",
    [
        build_account_handle(),
        build_cfn_handle("http://heat.test/"),
        build_hot_handle(),
        UnresolvedFunction("H", '{"Ref": "H"}'),
    ],
)
def test_a_handle_that_renews_itself_or_shows_no_time_has_no_expiry(handle: HotHandle) -> None:
    assert find_expiry(handle) is None


def test_the_moment_is_in_utc() -> None:
    expiry = find_expiry(build_cfn_handle())

    assert expiry is not None
    assert expiry.expires_at.tzinfo is timezone.utc
