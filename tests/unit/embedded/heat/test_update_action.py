"""The action of an update on one resource."""

from __future__ import annotations

from dataclasses import replace

import pytest

from guestagent.embedded.heat.template.property_schema import Property
from guestagent.embedded.heat.update_action import (
    CreateResource,
    KeepResource,
    ReplaceResource,
    ResourceState,
    UpdateResource,
    choose_action,
)

SCHEMA = {"Flavor": Property("string", update_allowed=True), "Image": Property("string")}


def never(before: object, after: object, changed: frozenset[str]) -> bool:
    return False


SEEN = ResourceState("Server", {"Flavor": "small", "Image": "one"}, {"Node": "a"})


def test_a_missing_resource_is_created() -> None:
    assert choose_action(None, SEEN, SCHEMA, never) == CreateResource()


@pytest.mark.parametrize(
    ("wanted", "step"),
    [
        (SEEN, KeepResource()),
        (replace(SEEN, metadata={"Node": "b"}), UpdateResource(frozenset(), metadata=True)),
        (
            replace(SEEN, properties={"Flavor": "large", "Image": "one"}),
            UpdateResource(frozenset({"Flavor"}), metadata=False),
        ),
        (
            replace(SEEN, properties={"Flavor": "large", "Image": "two"}),
            ReplaceResource(update_attempted=True),
        ),
        (replace(SEEN, type="Other"), ReplaceResource()),
        (replace(SEEN, other_values=(("Another",),)), UpdateResource(frozenset(), metadata=False)),
    ],
)
def test_an_existing_resource_is_kept_changed_or_replaced(wanted: ResourceState, step: object) -> None:
    assert choose_action(SEEN, wanted, SCHEMA, never) == step


def test_a_failed_resource_is_replaced_even_if_nothing_changed() -> None:
    assert choose_action(replace(SEEN, is_failed=True), SEEN, SCHEMA, never) == ReplaceResource()


def test_a_type_can_replace_a_resource_that_its_schema_would_change_in_place() -> None:
    wanted = replace(SEEN, properties={"Flavor": "large", "Image": "one"})

    step = choose_action(SEEN, wanted, SCHEMA, lambda before, after, changed: "Flavor" in changed)

    assert step == ReplaceResource(update_attempted=True)


def test_a_type_is_not_asked_if_nothing_changes() -> None:
    assert choose_action(SEEN, SEEN, SCHEMA, lambda *_: True) == KeepResource()
