"""The differences between a template and the one that its cluster renders to."""

from __future__ import annotations

from guestagent.validation import Cursor, Problems, describe_type

IGNORED_KEYS = frozenset({"Description", "description"})  # their text has no meaning
VALUE_LENGTH_LIMIT = 60


def compare_templates(expected: dict[str, object], template: object, problems: Problems) -> None:
    """Note every difference as a problem at its path. `template` may be any value."""
    expected = {key: value for key, value in expected.items() if key not in IGNORED_KEYS}
    if isinstance(template, dict):
        template = {key: value for key, value in template.items() if key not in IGNORED_KEYS}
    _compare(expected, problems.open_cursor(template))


def _compare(expected: object, cursor: Cursor) -> None:
    if isinstance(expected, dict) and isinstance(cursor.value, dict):
        _compare_mappings(expected, cursor)
    elif isinstance(expected, list) and isinstance(cursor.value, list):
        _compare_lists(expected, cursor)
    elif type(expected) is not type(cursor.value) or expected != cursor.value:
        cursor.add_problem(_describe(expected), _describe(cursor.value))


def _compare_mappings(expected: dict[str, object], cursor: Cursor) -> None:
    assert isinstance(cursor.value, dict)
    for key, value in expected.items():
        if key in cursor.value:
            _compare(value, cursor.get_child(key, cursor.value[key]))
        else:
            cursor.get_child(key, None).add_problem(_describe(value), "none")
    for key in cursor.value:
        if key not in expected:
            cursor.get_child(str(key), None).add_problem(
                "none",
                describe_type(cursor.value[key]),
                "guestagent did not write it: an update would remove it",
            )


def _compare_lists(expected: list[object], cursor: Cursor) -> None:
    assert isinstance(cursor.value, list)
    if len(expected) != len(cursor.value):
        cursor.add_problem(f"a list of {len(expected)}", f"a list of {len(cursor.value)}")
        return
    for index, (value, element) in enumerate(zip(expected, cursor.value, strict=True)):
        _compare(value, cursor.get_child(index, element))


def _describe(value: object) -> str:
    """Show short scalars as they are: a template holds no password, so none can be shown."""
    if isinstance(value, (bool, int)) or (isinstance(value, str) and len(value) <= VALUE_LENGTH_LIMIT):
        return repr(value)
    return describe_type(value)
