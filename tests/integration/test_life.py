"""The main job on the fake Heat, in both dialects: a cluster comes, grows, shrinks, is resized and goes."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

import pytest

from guestagent.controller import Dialect
from tests.integration.clouds import PATIENCE, cloud_on
from tests.integration.life import live

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize("dialect", Dialect)
def test_a_cluster_lives_its_whole_life(
    tmp_path: Path, images: Path, free_subnet: IPv4Network, dialect: Dialect
) -> None:
    with cloud_on(free_subnet, tmp_path / "state", images) as cloud:
        live(cloud, "prod", dialect, PATIENCE)

        assert list(cloud.served.cloud.servers.networking.ports) == []
        assert cloud.served.dangerous_reads == []
