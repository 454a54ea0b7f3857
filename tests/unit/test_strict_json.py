"""Any bytes of a file are either read, or rejected with one error that gives the reason."""

from __future__ import annotations

import json

import pytest

from guestagent.strict_json import (
    DEPTH_LIMIT,
    UnreadableContent,
    get_number,
    is_plain_json,
    is_too_deep,
    limit_depth,
    parse_object,
)
from tests.support.parameter_ids import shorten


def nest_list(depth: int) -> object:
    value: object = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"{", "not JSON"),
        (b"\xff", "not UTF-8"),
        ("{}".encode("utf-16"), "not UTF-8"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b"[]", "not a JSON object"),
        (b'{"version": NaN}', "is not a number"),
        (b'{"version": -Infinity}', "is not a number"),
        (b'{"version": 1e999}', "too large"),
        (b'{"version": ' + b"9" * 5000 + b"}", "not JSON"),
        (b'{"version": 2}', "another version"),
        (b'{"version": true}', "without a version"),
        (b"{}", "without a version"),
        (b'{"version": 1, "x": ' + b"[" * 101 + b"]" * 101 + b"}", "nested too deep"),
        (b"[" * 100_000, "nested too deep"),
    ],
    ids=shorten,
)
def test_unusual_json_is_rejected(content: bytes, why: str) -> None:
    with pytest.raises(UnreadableContent, match=why):
        parse_object(content, 1)


def test_depth_is_counted_without_recursion() -> None:
    value = nest_list(100_000)

    assert is_too_deep(value)
    assert [is_too_deep(nest_list(depth)) for depth in (0, DEPTH_LIMIT, DEPTH_LIMIT + 1)] == [
        False,
        False,
        True,
    ]
    while isinstance(value, list):  # or Python frees it recursively
        value = value.pop()


def test_what_is_nested_too_deep_is_cut_and_the_rest_stays() -> None:
    value = {"a": {"b": [1, {"c": 2}]}, "d": 3}

    assert limit_depth(value, 2, "...") == {"a": {"b": "..."}, "d": 3}


@pytest.mark.parametrize("number", [True, "1", None, 10**400, [1]])
def test_a_number_is_a_finite_one(number: object) -> None:
    with pytest.raises(UnreadableContent):
        get_number({"n": number}, "n")


@pytest.mark.parametrize(
    ("value", "is_plain"),
    [
        ({"a": [1, 1.5, True, None, "b", {}]}, True),
        ({"a": {1: 2}}, False),
        ({"a": [float("inf")]}, False),
        ([{1, 2}], False),
        ((1, 2), False),
        (b"bytes", False),
        (10**4000, False),
        ([[[]]], True),
        ([[[[]]]], False),
    ],
)
def test_plain_json_is_what_json_can_hold(value: object, is_plain: bool) -> None:
    assert is_plain_json(value, depth_limit=3) is is_plain
    if is_plain:
        assert json.loads(json.dumps(value)) == value
