"""A new store beside the stacks of another one: the service of stacks alone has no keys that would show the loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from guestagent.errors import StorageError
from guestagent.resources.orchestrator.stack_inventory import StackEntry
from guestagent.resources.orchestrator.template_mark import TemplateMark
from guestagent.resources.service.store_loss import require_known_stacks

OWN, LOST = "6d1c7e0e-57b3-4a9c-8d1f-2f3f0d7c1a55", "99999999-0000-4000-8000-000000000000"


@dataclass
class KnownStore:
    """A store with an id."""

    id: str = OWN
    has_orders: bool = False

    def is_new(self) -> bool:
        return not self.has_orders


@dataclass
class ListedStacks:
    """The stacks of a project. `looks` counts how often they were listed."""

    stacks: Sequence[StackEntry]
    looks: int = 0

    def list_stacks(self) -> Sequence[StackEntry]:
        self.looks += 1
        return self.stacks


def build_stack(name: str, store: str) -> StackEntry:
    mark = TemplateMark(store=store, cluster="7", operation="8", number=1)
    return StackEntry(f"{name}-id", name, "CREATE_COMPLETE", f"A cluster {mark}" if store else "a web site")


def test_a_new_store_beside_the_stacks_of_another_one_may_stand_for_a_lost_one() -> None:
    stacks = ListedStacks([build_stack("wiki", LOST), build_stack("shop", LOST), build_stack("site", "")])

    with pytest.raises(StorageError) as caught:
        require_known_stacks(KnownStore(), stacks)

    assert f"have the mark of another one ({LOST}: shop, wiki): the store was lost" in str(caught.value)
    assert "--new-store" in str(caught.value)


def test_a_store_that_has_held_an_order_is_known_without_a_look() -> None:
    stacks = ListedStacks([build_stack("wiki", LOST)])

    require_known_stacks(KnownStore(has_orders=True), stacks)

    assert stacks.looks == 0


def test_the_first_store_of_a_project_begins() -> None:
    require_known_stacks(KnownStore(), ListedStacks([build_stack("site", ""), build_stack("wiki", OWN)]))
