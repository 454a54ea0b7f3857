"""One real cloud for all tests of a process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from guestagent.embedded.real_cloud import RealCloud
from tests.support.real_cloud import RealCloudWithGuests, open_cloud_with_guests
from tests.support.signalling_guests import SignallingHypervisor


@pytest.fixture(scope="session")
def cloud_with_guests() -> Iterator[RealCloudWithGuests]:
    with open_cloud_with_guests() as opened:
        yield opened


@pytest.fixture(scope="session")
def real_cloud(cloud_with_guests: RealCloudWithGuests) -> RealCloud:
    return cloud_with_guests.cloud


@pytest.fixture(scope="session")
def imitations(cloud_with_guests: RealCloudWithGuests) -> SignallingHypervisor:
    """The guests of all servers, which only signal."""
    return cloud_with_guests.imitations
