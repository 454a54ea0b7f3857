"""A service of the resource manager on a fast clock, and the orders that a test gives it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from guestagent.resources.intake import OrderIntake
from guestagent.resources.service.assembly import open_local_manager
from tests.support.fast_manager import open_fast_store
from tests.support.served_manager import ServedManager


@contextmanager
def open_fast_orders(service: ServedManager) -> Iterator[OrderIntake]:
    """Yield the door for orders to a service whose program is FAST_SERVE."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OS_CLIENT_CONFIG_FILE", str(service.clouds_file))
        with open_local_manager(service.settings, open_store=open_fast_store) as intake:
            yield intake
