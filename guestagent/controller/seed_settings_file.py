"""Reads the keys `seeding` and `verification` of a cluster.yaml. Pure."""

from __future__ import annotations

from typing import Any

from guestagent.controller.seed import DEFAULT_SEEDING, SeedSettings
from guestagent.metadata.limits import CONDITION_TIMEOUT_LIMIT_S, RATE_LIMIT_LIMIT_MIB
from guestagent.metadata.seeding_shape import METHODS
from guestagent.validation import Cursor

DEFAULT_VERIFICATION_NAME = "verifier"
LIMITS = {"rate_limit": RATE_LIMIT_LIMIT_MIB, "deadline": CONDITION_TIMEOUT_LIMIT_S}


def read_seeding(cursor: Cursor) -> SeedSettings:
    """Read how replicas that join get their data: a mapping with some of method, rate_limit and deadline."""
    mapping = cursor.read_known_keys(frozenset({"method", *LIMITS}))
    if mapping is None:
        return DEFAULT_SEEDING
    settings: dict[str, Any] = {}
    if "method" in mapping:
        method = cursor.get_child("method", mapping["method"])
        if method.value in METHODS:
            settings["method"] = method.value
        else:
            found = repr(method.value) if isinstance(method.value, str) else None
            method.add_problem(f"one of {', '.join(METHODS)}", found)
    for key, limit in LIMITS.items():
        if key in mapping:
            settings[key] = cursor.get_child(key, mapping[key]).read_integer(1, limit)
    return SeedSettings(**settings)


def read_verification(cursor: Cursor) -> str | None:
    """Read the name of the account for comparisons: true, false, or a mapping with its name."""
    if cursor.value is True:
        return DEFAULT_VERIFICATION_NAME
    if cursor.value is False:
        return None
    if isinstance(cursor.value, dict) and cursor.value.keys() == {"name"}:
        return cursor.get_child("name", cursor.value["name"]).read_string()
    return cursor.add_problem("true, false, or a mapping with name: and a name")
