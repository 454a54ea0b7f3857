"""Where a template differs from the one that its cluster gives, place by place."""

from __future__ import annotations

from guestagent.validation import Cursor, Problems, describe_type

IGNORED_KEYS = frozenset({"Description", "description"})  # texts that may change without anyone minding
VALUE_LENGTH_LIMIT = 60


def compare_templates(wanted: dict[str, object], found: object, problems: Problems) -> None:
    """Note every difference as a problem at its path. `found` may be anything at all."""
    free = {key: value for key, value in wanted.items() if key not in IGNORED_KEYS}
    if isinstance(found, dict):
        found = {key: value for key, value in found.items() if key not in IGNORED_KEYS}
    _compare(free, problems.open_cursor(found))


def _compare(wanted: object, at: Cursor) -> None:
    if isinstance(wanted, dict) and isinstance(at.value, dict):
        _compare_mappings(wanted, at)
    elif isinstance(wanted, list) and isinstance(at.value, list):
        _compare_lists(wanted, at)
    elif type(wanted) is not type(at.value) or wanted != at.value:
        at.add_problem(_shown(wanted), _shown(at.value))


def _compare_mappings(wanted: dict[str, object], at: Cursor) -> None:
    assert isinstance(at.value, dict)
    for key, value in wanted.items():
        if key in at.value:
            _compare(value, at.get_child(key, at.value[key]))
        else:
            at.get_child(key, None).add_problem(_shown(value), "none")
    for key in at.value:
        if key not in wanted:
            at.get_child(str(key), None).add_problem(
                "none", describe_type(at.value[key]), "not ours: an update would remove it"
            )


def _compare_lists(wanted: list[object], at: Cursor) -> None:
    assert isinstance(at.value, list)
    if len(wanted) != len(at.value):
        at.add_problem(f"a list of {len(wanted)}", f"a list of {len(at.value)}")
        return
    for index, (value, found) in enumerate(zip(wanted, at.value, strict=True)):
        _compare(value, at.get_child(index, found))


def _shown(value: object) -> str:
    """Short scalars as they are: a template holds no secret of ours, passwords are made by Heat."""
    if isinstance(value, (bool, int)) or (isinstance(value, str) and len(value) <= VALUE_LENGTH_LIMIT):
        return repr(value)
    return describe_type(value)
