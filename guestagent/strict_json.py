"""JSON as it stands in our own files: whatever its bytes are, it is read, or one error says why not."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

DEPTH_LIMIT = 100
"""Levels of lists and mappings. Nothing that we keep comes near; Python itself gives up at about a thousand."""


class UnreadableContent(ValueError):
    """These bytes are not what was written there. The message holds nothing of them: they may be secrets."""


def parse_json(content: bytes | str) -> object:
    """Return the value. Raises Unreadable for anything but JSON in UTF-8 of a reasonable depth, NaN included."""
    try:
        text = content if isinstance(content, str) else content.decode("utf-8")
        value: object = json.loads(text, parse_constant=_refuse_constant, parse_float=_parse_float)
    except UnreadableContent:
        raise
    except UnicodeDecodeError:
        raise UnreadableContent("not UTF-8") from None
    except RecursionError:
        raise UnreadableContent("nested too deep") from None
    except ValueError:
        raise UnreadableContent("empty" if not content.strip() else "not JSON") from None
    if is_too_deep(value):
        raise UnreadableContent("nested too deep")
    return value


def parse_object(content: bytes | str, version: int | None = None) -> dict[str, object]:
    """Return a JSON object; if `version` is given, one whose `version` is just that. Raises Unreadable."""
    value = parse_json(content)
    if not isinstance(value, dict):
        raise UnreadableContent("not a JSON object")
    if version is not None:
        found = value.get("version")
        if type(found) is not int:
            raise UnreadableContent("without a version")
        if found != version:
            raise UnreadableContent("of another version")
    return value


def is_too_deep(value: object, limit: int = DEPTH_LIMIT) -> bool:
    """Return whether lists and mappings are nested deeper than `limit`. Does not recurse itself."""
    level = [value]
    for _ in range(limit):
        level = [inner for each in level for inner in _list_children(each)]
        if not level:
            return False
    return True


def limit_depth(value: object, limit: int, instead: object) -> object:
    """Return the value with `instead` in the place of all lists and mappings below `limit` levels."""
    if isinstance(value, list):
        return instead if limit == 0 else [limit_depth(each, limit - 1, instead) for each in value]
    if isinstance(value, dict):
        return (
            instead
            if limit == 0
            else {key: limit_depth(each, limit - 1, instead) for key, each in value.items()}
        )
    return value


def get_text(data: Mapping[str, object], name: str, default: str | None = None) -> str:
    """Return the string of that name, or `default` if there is none. Raises Unreadable for anything else."""
    value = data.get(name, default)
    if not isinstance(value, str):
        raise UnreadableContent(f"{name} is not a string")
    return value


def get_number(data: Mapping[str, object], name: str) -> float:
    """Return the finite number of that name as a float. Raises Unreadable for anything else."""
    value = data.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnreadableContent(f"{name} is not a number")
    try:
        number = float(value)
    except OverflowError:
        raise UnreadableContent(f"{name} is not a number of this world") from None
    if not math.isfinite(number):
        raise UnreadableContent(f"{name} is not a finite number")
    return number


def get_list(data: Mapping[str, object], name: str, default: list[object] | None = None) -> list[object]:
    """Return the list of that name, or `default` if there is none. Raises Unreadable for anything else."""
    value = data.get(name, default)
    if not isinstance(value, list):
        raise UnreadableContent(f"{name} is not a list")
    return value


def get_object(data: Mapping[str, object], name: str) -> dict[str, object]:
    """Return the JSON object of that name. Raises Unreadable for anything else."""
    value = data.get(name)
    if not isinstance(value, dict):
        raise UnreadableContent(f"{name} is not a JSON object")
    return value


def get_rows(
    data: Mapping[str, object], name: str, width: int, default: list[object] | None = None
) -> list[list[str]]:
    """Return a list of lists of `width` strings each. Raises Unreadable for anything else."""
    rows: list[list[str]] = []
    for row in get_list(data, name, default):
        if not isinstance(row, list) or len(row) != width or not all(isinstance(word, str) for word in row):
            raise UnreadableContent(f"{name} is not a list of {width} strings each")
        rows.append(row)
    return rows


def _list_children(value: object) -> list[object]:
    if isinstance(value, dict):
        return [each for each in value.values() if isinstance(each, dict | list)]
    return [each for each in value if isinstance(each, dict | list)] if isinstance(value, list) else []


def _refuse_constant(word: str) -> object:
    raise UnreadableContent("not JSON: a number that is none")


def _parse_float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise UnreadableContent("not JSON: a number that is too large")
    return number
