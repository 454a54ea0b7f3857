"""An embedded cloud with fake guests, and requests to its Heat."""

from __future__ import annotations

from collections.abc import Iterator

import openstack
import pytest

from guestagent.embedded import Serving, serving
from tests.support.heat_requests import HeatRequests


@pytest.fixture
def cloud() -> Iterator[Serving]:
    with serving() as served:
        yield served


@pytest.fixture
def heat(cloud: Serving) -> Iterator[HeatRequests]:
    with openstack.connect(**cloud.connect) as connection:
        yield HeatRequests(connection)
