"""The contract of a store of orders, on the stores that need no server. Its cases are in tests/support."""

from __future__ import annotations

import pytest

from guestagent.resources.store.memory_store import MemoryStore
from guestagent.resources.store.store_clock import ManualClock
from tests.support.store_contract.cases import CASES, ContractCase
from tests.support.store_contract.opened_store import OpenedStore


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_in_memory(case: ContractCase) -> None:
    clock = ManualClock()

    case(OpenedStore(MemoryStore(clock), clock.sleep))
