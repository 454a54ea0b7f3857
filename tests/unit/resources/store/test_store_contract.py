"""The contract of a store of orders, on the stores that need no server. Its cases are in tests/support."""

from __future__ import annotations

from pathlib import Path

import pytest

from guestagent.resources.store.memory_store import MemoryStore
from guestagent.resources.store.store_clock import ManualClock
from tests.support.store_contract.cases import CASES, ContractCase
from tests.support.store_contract.opened_store import OpenedStore
from tests.support.store_files import open_contract_file


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_in_memory(case: ContractCase) -> None:
    clock = ManualClock()

    case(OpenedStore(MemoryStore(clock), clock.sleep))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_in_a_file(case: ContractCase, tmp_path: Path) -> None:
    with open_contract_file(tmp_path) as opened:
        case(opened)
