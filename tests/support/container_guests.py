"""Guests for tests of containers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from guestagent.embedded import Guest

GUEST_ID = "6a1f0c52-7d5a-4d3c-9b0e-2f8a41c7d9e3"
_GUEST = Guest(
    id=GUEST_ID,
    name="db-Slave0000-abcdef",
    address="10.77.0.11",
    prefix=24,
    gateway="10.77.0.1",
    flavor="m1.small",
    vcpus=1,
    memory_mb=256,
    image="guestagent-mariadb",
    user_data=b"#!/bin/sh\n",
    instance_metadata={"role": "db"},
)


def build_guest(**changes: Any) -> Guest:
    """Build a guest with a script as user data and one key of metadata, or with these changes."""
    return replace(_GUEST, **changes)
