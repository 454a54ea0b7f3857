"""Every problem at once, each with its path."""

import pytest

from guestagent.errors import InvalidMetadata
from guestagent.validation import Problems


def test_every_problem_is_reported_with_its_path() -> None:
    problems = Problems()
    cursor = problems.open_cursor({"a": 1, "list": ["x", 2]})
    mapping = cursor.read_mapping() or {}

    cursor.get_child("a", mapping["a"]).read_string()
    for element in cursor.get_child("list", mapping["list"]).read_items():
        element.read_string()

    with pytest.raises(InvalidMetadata) as caught:
        problems.raise_if_any(InvalidMetadata, "node.json")
    assert str(caught.value) == (
        "node.json: a: expected a string, found an integer; list[1]: expected a string, found an integer"
    )


def test_an_unknown_key_is_reported_with_a_similar_one() -> None:
    problems = Problems()

    problems.open_cursor({"Deadlin": 1}, "GuestAgent").read_known_keys(frozenset({"Deadline", "Node"}))

    assert [str(p) for p in problems.problems] == [
        "GuestAgent.Deadlin: expected one of Deadline, Node, found an unknown key (did you mean Deadline?)"
    ]


@pytest.mark.parametrize("value", [True, 1.0, "1", 0, 10, 10**25, None])
def test_only_an_integer_in_bounds_is_one(value: object) -> None:
    problems = Problems()

    assert problems.open_cursor(value, "n").read_integer(1, 9) is None
    assert len(problems.problems) == 1


def test_a_value_is_never_shown_for_it_may_be_a_secret() -> None:
    problems = Problems()

    problems.open_cursor(["hunter2"], "password").read_string()
    problems.open_cursor("hunter2" * 9, "password").read_string(max_length=32)

    assert "hunter2" not in str(problems.problems)


def test_no_problem_raises_nothing() -> None:
    Problems().raise_if_any(InvalidMetadata)


def test_few_of_many_unknown_keys_are_compared_with_the_known_ones() -> None:
    problems, known = Problems(), frozenset({"Deadline"})

    problems.open_cursor({f"Deadline{number}": 1 for number in range(150)}).read_known_keys(known)
    problems.open_cursor({"Deadline" + "e" * 100: 1}).read_known_keys(known)

    assert [bool(problem.do) for problem in problems.problems] == [True] * 100 + [False] * 51
