"""Handles as Heat gives them, and little builders around them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

from guestagent.metadata.document import CfnHandle, HotHandle
from guestagent.secret import Secret
from guestagent.signal import SignalOutcome, SignalStatus, SpoolEntry

SIGNED_AT = datetime(2026, 11, 23, 18, 0, 0, tzinfo=timezone.utc)
SIGNATURE = "c2lnbmF0dXJl"
URL = (
    "http://heat.test:8000/v1/waitcondition/arn%3Aopenstack%3Aheat%3A%3Ap%3Astacks/s/1/resources/Handle"
    "?SignatureMethod=HmacSHA256&SignatureVersion=2&AWSAccessKeyId=key"
    f"&Timestamp=2026-11-23T18%3A00%3A00Z&Signature={SIGNATURE}%3D"
)
# What Heat may give the same handle a moment later: another key pair of its user.
ANOTHER_KEY = URL.replace("AWSAccessKeyId=key", "AWSAccessKeyId=other").replace(SIGNATURE, "b3RoZXI")
REST = "http://heat.test:8004/v1/p1/stacks/s/1/resources/Handle/signal"


def build_cfn_handle(url: str = URL) -> CfnHandle:
    return CfnHandle(Secret(url))


def build_hot_handle(**document: object) -> HotHandle:
    return HotHandle(Secret(json.dumps(document)))


def build_token_handle(token: str = SIGNATURE) -> HotHandle:
    """Build the handle of TOKEN_SIGNAL's attributes."""
    return build_hot_handle(token=token, endpoint=REST)


def build_account_handle(**changes: object) -> HotHandle:
    """HEAT_SIGNAL's document."""
    document = {
        "auth_url": "http://keystone.test:5000/v3",
        "username": "s-Handle-abc",
        "user_id": "u1",
        "password": SIGNATURE,
        "project_id": "p1",
        "domain_id": "d1",
        "region_name": "RegionOne",
        "alarm_url": REST,
    }
    return build_hot_handle(**document | changes)


def build_success(reason: str = "ready", **data: object) -> SignalOutcome:
    return SignalOutcome(SignalStatus.SUCCESS, reason, data)


def build_failure(reason: str = "wrong password", **data: object) -> SignalOutcome:
    return SignalOutcome(SignalStatus.FAILURE, reason, data)


def build_entry(outcome: SignalOutcome, url: str = URL, unique_id: str = "node-1") -> SpoolEntry:
    return SpoolEntry(build_cfn_handle(url), unique_id, outcome)


def add_minutes(minutes: float) -> datetime:
    return SIGNED_AT + timedelta(minutes=minutes)
