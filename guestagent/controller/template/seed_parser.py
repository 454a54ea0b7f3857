"""Reads the seeding of a cluster back from its template. Rendering again finds out whether all parts of it agree."""

from __future__ import annotations

from typing import Any

from guestagent.controller.seed import DEFAULT_SEEDING, NodeSeed, SeedSettings
from guestagent.controller.template.nested_values import find_value, has_key, read_integer, read_string
from guestagent.controller.template.seeding_metadata import SETTING_KEYS
from guestagent.metadata.document import DEFAULT_SEEDING_DEADLINE
from guestagent.validation import Cursor


def read_seed_settings(cluster_metadata: Cursor) -> SeedSettings:
    """Read the cluster's settings from its own metadata."""
    if not has_key(cluster_metadata, "Seeding"):
        return DEFAULT_SEEDING
    cursor = find_value(cluster_metadata, "Seeding")
    mapping = None if cursor is None else cursor.read_known_keys(frozenset(SETTING_KEYS))
    if cursor is None or mapping is None:
        return DEFAULT_SEEDING
    values: dict[str, Any] = {
        field: read_string(cursor, key) if key == "Method" else read_integer(cursor, key)
        for key, field in SETTING_KEYS.items()
        if key in mapping
    }
    return SeedSettings(**{field: value for field, value in values.items() if value is not None})


def read_node_seed(server: Cursor, metadata_key: str, number: int) -> NodeSeed | None:
    """Read the seed of a node. `number` is that of its donor account's password, if there is one."""
    path = (metadata_key, "GuestAgent", "Seeding")
    if not has_key(server, *path):
        return None
    deadline = DEFAULT_SEEDING_DEADLINE
    if has_key(server, *path, "Deadline"):
        deadline = read_integer(server, *path, "Deadline") or 0
    return NodeSeed(
        deadline=deadline,
        number=number if has_key(server, *path, "Donor") else None,
        data_bytes=_read_optional_integer(server, *path, "DataBytes"),
        log_bytes=_read_optional_integer(server, *path, "LogBytes"),
        is_reseed=has_key(server, *path, "Reseed"),
        discards_data=has_key(server, *path, "Discard"),
    )


def _read_optional_integer(cursor: Cursor, *path: str) -> int | None:
    return read_integer(cursor, *path) if has_key(cursor, *path) else None
