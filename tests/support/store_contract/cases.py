"""What every store of orders does: functions that are tests, for whichever store they are called with."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.store_contract.acceptance import ACCEPTANCE_CASES
from tests.support.store_contract.contacts import CONTACT_CASES
from tests.support.store_contract.leases import LEASE_CASES
from tests.support.store_contract.looks import LOOK_CASES
from tests.support.store_contract.opened_store import OpenedStore
from tests.support.store_contract.signals import SIGNAL_CASES
from tests.support.store_contract.versions import VERSION_CASES
from tests.support.store_contract.waits import WAIT_CASES
from tests.support.store_contract.writes import WRITE_CASES

ContractCase = Callable[[OpenedStore], None]
CASES: tuple[ContractCase, ...] = (
    *ACCEPTANCE_CASES,
    *LEASE_CASES,
    *WRITE_CASES,
    *CONTACT_CASES,
    *SIGNAL_CASES,
    *VERSION_CASES,
    *WAIT_CASES,
    *LOOK_CASES,
)
