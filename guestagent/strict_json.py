"""A strict parser for the JSON of guestagent's own files: any bytes are parsed or rejected with one kind of error."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

DEPTH_LIMIT = 100
"""Levels of lists and mappings. Files of guestagent need far fewer; Python itself fails at about a thousand."""
INTEGER_LIMIT_BITS = 10_000
"""Python refuses to write integers of a few more digits than these have, and to read them."""


class UnreadableContent(ValueError):
    """Content that guestagent did not write. The message quotes nothing of it, because it may be a secret."""


def parse_json(content: bytes | str) -> object:
    """Return the value. Raises UnreadableContent unless it is JSON in UTF-8 of a reasonable depth, without NaN."""
    try:
        text = content if isinstance(content, str) else content.decode("utf-8")
        value: object = json.loads(text, parse_constant=_reject_constant, parse_float=_parse_float)
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
    """Return a JSON object; with `version`, one that has this version. Raises UnreadableContent."""
    value = parse_json(content)
    if not isinstance(value, dict):
        raise UnreadableContent("not a JSON object")
    if version is not None:
        actual_version = value.get("version")
        if type(actual_version) is not int:
            raise UnreadableContent("without a version")
        if actual_version != version:
            raise UnreadableContent("of another version")
    return value


def is_too_deep(value: object, limit: int = DEPTH_LIMIT) -> bool:
    """Return whether lists and mappings are nested deeper than `limit`. Does not recurse itself."""
    level = [value]
    for _ in range(limit):
        level = [child for parent in level for child in _list_children(parent)]
        if not level:
            return False
    return True


def is_plain_json(value: object, depth_limit: int = DEPTH_LIMIT) -> bool:
    """Return whether a value is as JSON has it: keys are strings, numbers are finite, and nothing is nested deeper."""
    if is_too_deep(value, depth_limit):
        return False
    values = [value]
    while values:
        each = values.pop()
        if isinstance(each, dict):
            if not all(isinstance(key, str) for key in each):
                return False
            values.extend(each.values())
        elif isinstance(each, list):
            values.extend(each)
        elif isinstance(each, float):
            if not math.isfinite(each):
                return False
        elif isinstance(each, int):
            if each.bit_length() > INTEGER_LIMIT_BITS:
                return False
        elif each is not None and not isinstance(each, str):
            return False
    return True


def limit_depth(value: object, limit: int, replacement: object) -> object:
    """Return the value with all lists and mappings below `limit` levels replaced."""
    if not isinstance(value, list | dict):
        return value
    if limit == 0:
        return replacement
    if isinstance(value, list):
        return [limit_depth(child, limit - 1, replacement) for child in value]
    return {key: limit_depth(child, limit - 1, replacement) for key, child in value.items()}


def get_text(data: Mapping[str, object], name: str, default: str | None = None) -> str:
    """Return the string of that name, or `default` if there is none. Raises UnreadableContent for any other value."""
    value = data.get(name, default)
    if not isinstance(value, str):
        raise UnreadableContent(f"{name} is not a string")
    return value


def get_number(data: Mapping[str, object], name: str) -> float:
    """Return the finite number of that name as a float. Raises UnreadableContent for any other value."""
    value = data.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnreadableContent(f"{name} is not a number")
    try:
        number = float(value)
    except OverflowError:
        raise UnreadableContent(f"{name} is a number that is too large") from None
    if not math.isfinite(number):
        raise UnreadableContent(f"{name} is not a finite number")
    return number


def get_list(data: Mapping[str, object], name: str, default: list[object] | None = None) -> list[object]:
    """Return the list of that name, or `default` if there is none. Raises UnreadableContent for any other value."""
    value = data.get(name, default)
    if not isinstance(value, list):
        raise UnreadableContent(f"{name} is not a list")
    return value


def get_object(data: Mapping[str, object], name: str) -> dict[str, object]:
    """Return the JSON object of that name. Raises UnreadableContent for any other value."""
    value = data.get(name)
    if not isinstance(value, dict):
        raise UnreadableContent(f"{name} is not a JSON object")
    return value


def get_rows(
    data: Mapping[str, object], name: str, width: int, default: list[object] | None = None
) -> list[list[str]]:
    """Return a list of lists of `width` strings each. Raises UnreadableContent for any other value."""
    rows: list[list[str]] = []
    for row in get_list(data, name, default):
        if not isinstance(row, list) or len(row) != width or not all(isinstance(cell, str) for cell in row):
            raise UnreadableContent(f"{name} is not a list of {width} strings each")
        rows.append(row)
    return rows


def _list_children(value: object) -> list[object]:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [child for child in children if isinstance(child, dict | list)]


def _reject_constant(name: str) -> object:
    raise UnreadableContent(f"not JSON: {name} is not a number")


def _parse_float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise UnreadableContent("not JSON: a number that is too large")
    return number
