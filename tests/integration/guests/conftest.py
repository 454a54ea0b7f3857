"""A hypervisor with a database server and a second service in each guest."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from tests.support.guest_network import DATABASE, TICKER, GuestNetwork


@pytest.fixture
def cloud(tmp_path: Path, images: Path, free_subnet: IPv4Network) -> Iterator[GuestNetwork]:
    cloud = GuestNetwork(tmp_path / "state", images, free_subnet, (DATABASE, TICKER))
    cloud.hypervisor.open()
    yield cloud
    cloud.hypervisor.close()
