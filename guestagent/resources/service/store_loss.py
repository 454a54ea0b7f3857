"""Whether a new store takes the place of a lost one, if no key file can tell: by the marks of the project's stacks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Protocol

from guestagent.errors import StorageError
from guestagent.resources.engine_selection import EngineSelection
from guestagent.resources.intake import OrderIntake
from guestagent.resources.operation import Operation
from guestagent.resources.orchestrator.stack_inventory import StackEntry, StackInventory
from guestagent.resources.orchestrator.template_mark import read_mark
from guestagent.resources.orders import Order
from guestagent.resources.store.protocol import OrderStore


class StoreOfStacks(Protocol):
    """What is asked of a store of orders. `id` is its own, which is in the marks of its stacks."""

    @property
    def id(self) -> str: ...
    def is_new(self) -> bool:
        """Return whether the store has never held an order, and nobody has said that it is right so."""


def require_known_stacks(store: StoreOfStacks, inventory: StackInventory) -> None:
    """Raise StorageError if a new store stands beside stacks of another one, which may have been this service's.

    They may also be those of another manager in the project. Only a person can tell, and has to do it once. Heat is not
    asked about a store that has held an order.
    """
    if not store.is_new():
        return
    owners = {
        each: names for each, names in group_by_store(inventory.list_stacks()).items() if each != store.id
    }
    if owners:
        text = "; ".join(f"{owner}: {', '.join(names)}" for owner, names in sorted(owners.items()))
        raise StorageError(
            f"the store is new, but stacks of this project have the mark of another one ({text}): the store was lost, "
            f"or the settings name another place for it; put it back from its backup, or run guestagent resources "
            f"rebuild. If the stacks belong to another resource manager, or only to begin with nothing, start the "
            f"service with --new-store once: it never touches what another store has made"
        )


class CheckedIntake(OrderIntake):
    """An OrderIntake that checks its store before each order. Queries are answered from a lost store, too."""

    def __init__(self, store: OrderStore, engines: EngineSelection, check: Callable[[], None]) -> None:
        super().__init__(store, engines)
        self._check_store = check

    def submit(self, order: Order) -> Operation:
        self._check_store()
        return super().submit(order)


def group_by_store(stacks: Iterable[StackEntry]) -> dict[str, list[str]]:
    """Return the names of the marked stacks by the id of the store that has made them. Pure."""
    owners: dict[str, list[str]] = defaultdict(list)
    for stack in stacks:
        if (mark := read_mark({"description": stack.description})) is not None:
            owners[mark.store].append(stack.name)
    return {owner: sorted(names) for owner, names in owners.items()}
