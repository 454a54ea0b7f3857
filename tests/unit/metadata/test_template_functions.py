"""The one walk over the functions of a template, and the functions that this program writes itself."""

from __future__ import annotations

import json

import pytest

from guestagent.metadata.template_functions import build_function, find_calls
from guestagent.validation import Problems


def test_the_outermost_functions_are_found_with_their_paths() -> None:
    value = {"a": [{"Ref": "A"}], "b": {"c": {"list_join": ["", [{"get_attr": ["B", "x"]}]]}}, "d": "Ref"}

    calls = list(find_calls(Problems().open_cursor(value)))

    assert [(call.name, call.arguments.path) for call in calls] == [
        ("Ref", "a[0].Ref"),
        ("list_join", "b.c.list_join"),
    ]


def test_a_mapping_with_more_keys_is_data() -> None:
    assert list(find_calls(Problems().open_cursor({"Ref": "A", "more": 1}))) == []


@pytest.mark.parametrize(
    ("function", "text"),
    [
        ({"Ref": "Master0000Password"}, "<Master0000Password>"),
        ({"get_attr": ["Master0000", "first_address"]}, "<Master0000.first_address>"),
        ({"Fn::Join": ["", ["pw", {"Ref": "A"}, {"Fn::Select": [0, {"Ref": "B"}]}]]}, "<Fn::Join(A, Fn::Select(B))>"),
    ],
)  # fmt: skip
def test_a_function_is_shown_by_what_it_refers_to_and_kept_as_it_is(
    function: dict[str, object], text: str
) -> None:
    unresolved = build_function(function)

    assert str(unresolved) == text
    assert json.loads(unresolved.function) == function
