"""Values that are some keys deep in a template."""

from __future__ import annotations

from guestagent.validation import Cursor

NUMBER_LIMIT = 2**53  # larger than every number in a template; the cluster itself checks each of them


def find_value(cursor: Cursor, *keys: str) -> Cursor | None:
    """Return the value at these keys. Note a problem and return None if one of them is missing."""
    for key in keys:
        mapping = cursor.read_mapping()
        if mapping is None:
            return None
        if key not in mapping:
            cursor.add_problem(f"a mapping with {key}", "none")
            return None
        cursor = cursor.get_child(key, mapping[key])
    return cursor


def has_key(cursor: Cursor, *keys: str) -> bool:
    """Return whether there is a value at these keys."""
    value = cursor.value
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            return False
        value = value[key]
    return True


def read_optional_string(cursor: Cursor, *keys: str) -> str | None:
    """Read the string at these keys, if there is a value."""
    return read_string(cursor, *keys) if has_key(cursor, *keys) else None


def read_string(cursor: Cursor, *keys: str) -> str | None:
    """Read the string at these keys."""
    value = find_value(cursor, *keys)
    return None if value is None else value.read_string()


def read_integer(cursor: Cursor, *keys: str) -> int | None:
    """Read the integer at these keys."""
    value = find_value(cursor, *keys)
    return None if value is None else value.read_integer(-NUMBER_LIMIT, NUMBER_LIMIT)
