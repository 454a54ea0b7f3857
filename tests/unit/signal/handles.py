"""Handles as Heat gives them, and little builders around them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

from guestagent.metadata.document import CfnHandle, HotHandle
from guestagent.secret import Secret
from guestagent.signal import Entry, Outcome, Status

SIGNED = datetime(2026, 11, 23, 18, 0, 0, tzinfo=timezone.utc)
HIDDEN = "c2lnbmF0dXJl"
URL = (
    "http://heat.test:8000/v1/waitcondition/arn%3Aopenstack%3Aheat%3A%3Ap%3Astacks/s/1/resources/Handle"
    "?SignatureMethod=HmacSHA256&SignatureVersion=2&AWSAccessKeyId=key"
    f"&Timestamp=2026-11-23T18%3A00%3A00Z&Signature={HIDDEN}%3D"
)
# What Heat may give the same handle a moment later: another key pair of its user.
ANOTHER_KEY = URL.replace("AWSAccessKeyId=key", "AWSAccessKeyId=other").replace(HIDDEN, "b3RoZXI")
REST = "http://heat.test:8004/v1/p1/stacks/s/1/resources/Handle/signal"


def cfn(url: str = URL) -> CfnHandle:
    return CfnHandle(Secret(url))


def hot(**document: object) -> HotHandle:
    return HotHandle(Secret(json.dumps(document)))


def bearer(token: str = HIDDEN) -> HotHandle:
    """What TOKEN_SIGNAL's attributes make."""
    return hot(token=token, endpoint=REST)


def account(**changes: object) -> HotHandle:
    """HEAT_SIGNAL's document."""
    told = {
        "auth_url": "http://keystone.test:5000/v3",
        "username": "s-Handle-abc",
        "user_id": "u1",
        "password": HIDDEN,
        "project_id": "p1",
        "domain_id": "d1",
        "region_name": "RegionOne",
        "alarm_url": REST,
    }
    return hot(**told | changes)


def success(reason: str = "ready", **data: object) -> Outcome:
    return Outcome(Status.SUCCESS, reason, data)


def failure(reason: str = "wrong password", **data: object) -> Outcome:
    return Outcome(Status.FAILURE, reason, data)


def entry(outcome: Outcome, url: str = URL, unique_id: str = "node-1") -> Entry:
    return Entry(cfn(url), unique_id, outcome)


def minutes_later(minutes: float) -> datetime:
    return SIGNED + timedelta(minutes=minutes)
