"""The contract of a store of orders, on real servers. Its cases are in tests/support."""

from __future__ import annotations

import pytest

from tests.support.store_contract.cases import CASES, ContractCase
from tests.support.store_contract.opened_store import OpenedStore
from tests.support.store_servers import StoreDatabase

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_on_a_server(case: ContractCase, emptied_database: StoreDatabase) -> None:
    with emptied_database.open() as store:
        case(OpenedStore(store, emptied_database.clock.sleep))
