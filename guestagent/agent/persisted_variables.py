"""The variables that MySQL persists in its data directory, in mysqld-auto.cnf. Pure."""

from __future__ import annotations

import json

from guestagent.strict_json import UnreadableContent, parse_object

PERSISTED_FILE = "mysqld-auto.cnf"
IDENTITY_VARIABLES = frozenset({"server_id", "report_host"})


def remove_identity_variables(content: bytes) -> bytes | None:
    """Return the file without the variables that name a server; None if it has none, or cannot be read."""
    try:
        variables = parse_object(content)
    except UnreadableContent:
        return None
    kept_variables = _remove_variables(variables)
    return None if kept_variables == variables else json.dumps(kept_variables).encode()


def _remove_variables(group: dict[str, object]) -> dict[str, object]:
    """Return a group without these variables, and without the groups in it that have no other variable."""
    kept: dict[str, object] = {}
    for name, value in group.items():
        if name in IDENTITY_VARIABLES:
            continue
        kept_value = _remove_variables(value) if isinstance(value, dict) else value
        if kept_value != {} or value == {}:
            kept[name] = kept_value
    return kept
