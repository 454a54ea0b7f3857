"""What an update does to one resource."""

from __future__ import annotations

from dataclasses import replace

import pytest

from guestagent.embedded.heat.decisions import Change, Create, Keep, Replace, State, decide
from guestagent.embedded.template.schema import Property

SCHEMA = {"Flavor": Property("string", update=True), "Image": Property("string")}


def never(before: object, after: object, changed: frozenset[str]) -> bool:
    return False


SEEN = State("Server", {"Flavor": "small", "Image": "one"}, {"Node": "a"})


def test_what_is_not_there_is_created() -> None:
    assert decide(None, SEEN, SCHEMA, never) == Create()


@pytest.mark.parametrize(
    ("wanted", "step"),
    [
        (SEEN, Keep()),
        (replace(SEEN, metadata={"Node": "b"}), Change(frozenset(), metadata=True)),
        (
            replace(SEEN, properties={"Flavor": "large", "Image": "one"}),
            Change(frozenset({"Flavor"}), metadata=False),
        ),
        (replace(SEEN, properties={"Flavor": "large", "Image": "two"}), Replace(tried=True)),
        (replace(SEEN, type="Other"), Replace()),
        (replace(SEEN, rest=(("Another",),)), Change(frozenset(), metadata=False)),
    ],
)
def test_what_is_there_is_kept_changed_or_replaced(wanted: State, step: object) -> None:
    assert decide(SEEN, wanted, SCHEMA, never) == step


def test_what_failed_is_replaced_even_if_nothing_changed() -> None:
    assert decide(replace(SEEN, failed=True), SEEN, SCHEMA, never) == Replace()


def test_a_types_policy_replaces_what_its_schema_would_change_in_place() -> None:
    wanted = replace(SEEN, properties={"Flavor": "large", "Image": "one"})

    step = decide(SEEN, wanted, SCHEMA, lambda before, after, changed: "Flavor" in changed)

    assert step == Replace(tried=True)


def test_a_policy_has_no_say_where_nothing_changes() -> None:
    assert decide(SEEN, SEEN, SCHEMA, lambda *_: True) == Keep()
