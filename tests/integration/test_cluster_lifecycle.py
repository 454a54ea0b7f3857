"""The lifecycle of a cluster on the fake Heat, in both template formats: create, grow, shrink, resize, delete."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

import pytest

from guestagent.controller import Dialect
from tests.support.cluster_lifecycle import run_lifecycle
from tests.support.guest_cloud import STACK_TIMEOUT_S, open_guest_cloud

pytestmark = pytest.mark.timeout(900)


@pytest.mark.parametrize("dialect", Dialect)
def test_a_cluster_completes_its_lifecycle(
    tmp_path: Path, images: Path, free_subnet: IPv4Network, dialect: Dialect
) -> None:
    with open_guest_cloud(free_subnet, tmp_path / "state", images) as cloud:
        run_lifecycle(cloud, "prod", dialect, STACK_TIMEOUT_S)

        assert list(cloud.server.cloud.compute.networking.ports) == []
        assert cloud.server.dangerous_reads == []
