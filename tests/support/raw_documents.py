"""Documents as they travel, in a few words."""

from __future__ import annotations

from typing import Any

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
URL = (
    "http://heat.example:8000/v1/waitcondition/arn%3Aopenstack?Signature=x&Timestamp=2026-01-01T00%3A00%3A00Z"
)
SLAVE = {"name": "slave0000", "password": "some_random_string"}


def build_source(*users: Any, **section: Any) -> dict[str, Any]:
    document: dict[str, Any] = {"ReadyWaitCondition": URL, "Users": list(users)}
    return document | ({"GuestAgent": section} if section else {})


def build_replica(address: Any = "10.0.0.7", user: Any = SLAVE, **more: Any) -> dict[str, Any]:
    return {"ReadyWaitCondition": URL, "Master": {"Address": address, "User": user, **more}}


PRIVATE_KEY = "-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----\n"
