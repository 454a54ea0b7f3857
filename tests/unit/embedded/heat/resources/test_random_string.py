"""Random strings: length, classes, and the limits of a template's request."""

from __future__ import annotations

import string

import pytest

from guestagent.embedded.heat.resources.random_string import generate_random_text


def test_the_default_is_letters_and_digits_of_the_requested_length() -> None:
    text = generate_random_text({"length": 30})

    assert len(text) == 30
    assert set(text) <= set(string.ascii_letters + string.digits)


def test_every_class_has_its_minimum_of_characters() -> None:
    classes = [{"class": "digits", "min": 4}, {"class": "lowercase", "min": 3}]

    text = generate_random_text({"length": 10, "character_classes": classes, "character_sequences": None})

    assert sum(character in string.digits for character in text) >= 4
    assert sum(character in string.ascii_lowercase for character in text) >= 3
    assert len(text) == 10


@pytest.mark.parametrize(
    "asked", [{"sequence": "octdigits"}, {"character_sequences": [{"sequence": "01234567", "min": 1}]}]
)
def test_only_requested_characters_occur(asked: dict[str, object]) -> None:
    assert set(generate_random_text({"length": 200, **asked})) <= set("01234567")


def test_two_random_strings_differ() -> None:
    assert len({generate_random_text({"length": 32}) for _ in range(50)}) == 50
