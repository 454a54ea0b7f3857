"""The short life of a cluster on a real Heat, whose own user data runs in the nodes of an image."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from guestagent.controller import Dialect
from guestagent.embedded.containers import ImageTree
from tests.support.environment import open_public_folder
from tests.support.image_cloud import open_real_image_cloud
from tests.support.image_lifecycle import ImageCluster, run_short_image_lifecycle

pytestmark = [pytest.mark.patient, pytest.mark.timeout(900)]


@pytest.fixture
def folder() -> Iterator[Path]:
    with open_public_folder() as path:
        yield path


@pytest.mark.parametrize("dialect", Dialect)
def test_a_cluster_of_an_image_is_updated_by_a_real_heat(
    folder: Path, tree: ImageTree, free_subnet: IPv4Network, dialect: Dialect
) -> None:
    """With Heat 19 on trixie, whose Python cannot run Heat's own program, this is the first update that completes."""
    with open_real_image_cloud(folder, free_subnet, tree) as cloud:
        run_short_image_lifecycle(ImageCluster(cloud, "prod", tree.family, dialect))

        assert cloud.server.dangerous_reads == []
