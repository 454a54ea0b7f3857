"""Aliases of a YAML text work as in Heat, unless they repeat more than any template may have."""

from __future__ import annotations

import pytest

from guestagent.errors import InvalidMetadata
from guestagent.metadata.yaml_loader import ALIAS_DEPTH_LIMIT, load_yaml
from guestagent.yaml_aliases import ALIAS_LIMIT_CHARACTERS

TOO_MUCH = (
    f"shop.yaml: document: expected aliases that repeat at most {ALIAS_LIMIT_CHARACTERS} characters, "
    "found more at line {line}, column {column} (write the values out)"
)


def test_a_text_with_aliases_is_loaded() -> None:
    document = load_yaml("source: &node {flavor: m1.small}\nreplicas: [*node, {<<: *node, image: x}]\n")

    assert document == {
        "source": {"flavor": "m1.small"},
        "replicas": [{"flavor": "m1.small"}, {"flavor": "m1.small", "image": "x"}],
    }


def test_aliases_of_aliases_are_refused_at_the_line_that_repeats_too_much() -> None:
    lines = ["x0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"x{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 20)]

    message = load_refused("\n".join(lines))

    assert message == TOO_MUCH.format(line=6, column=25)


def test_merge_keys_of_merge_keys_are_refused() -> None:
    lines = ["x0: &a0 {k: v}"]
    lines += [f"x{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 20)]

    message = load_refused("\n".join(lines))

    assert message == TOO_MUCH.format(line=7, column=15)


def test_a_long_text_that_is_repeated_counts_with_its_characters() -> None:
    length = ALIAS_LIMIT_CHARACTERS // 2 - 1

    twice = load_yaml(f"a: &a {'x' * length}\nb: *a\nc: *a\n")
    message = load_refused(f"a: &a {'x' * (length + 1)}\nb: *a\nc: *a\n")

    assert isinstance(twice, dict)
    assert twice["a"] == twice["c"]
    assert message == TOO_MUCH.format(line=3, column=4)


def test_a_long_text_without_aliases_is_loaded() -> None:
    text = "x" * (2 * ALIAS_LIMIT_CHARACTERS)

    assert load_yaml(f"a: &a {text}\n") == {"a": text}


@pytest.mark.parametrize("text", ["a: &a [*a]", "a: &a {b: {c: *a}}", "a: &a {<<: *a}"])
def test_an_alias_within_its_own_value_is_refused(text: str) -> None:
    message = load_refused(text)

    assert "found an alias within the value that it repeats at line 1, column " in message


def test_aliases_that_make_a_text_too_deep_are_refused() -> None:
    lines = ["x0: &a0 []", *(f"x{n}: &a{n} [*a{n - 1}]" for n in range(1, ALIAS_DEPTH_LIMIT))]

    message = load_refused("\n".join(lines))

    assert message.endswith("found lists or mappings that are nested too deep")


def load_refused(text: str) -> str:
    with pytest.raises(InvalidMetadata) as caught:
        load_yaml(text, "shop.yaml")
    return str(caught.value)
