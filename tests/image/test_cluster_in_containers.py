"""The lifecycle of clusters whose nodes are booted from the images, in both template formats."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

import pytest

from guestagent.controller import Dialect
from guestagent.embedded.containers import ImageTree
from tests.support.image_cloud import open_image_cloud
from tests.support.image_lifecycle import ImageCluster, run_image_lifecycle
from tests.support.image_recipes import IMAGE_RECIPES

pytestmark = pytest.mark.timeout(900)
IN_GATE = {("bookworm-mariadb", Dialect.CFN), ("trixie-mysql", Dialect.HOT)}
"""Each product and each dialect once."""


@pytest.mark.parametrize(
    ("recipe", "dialect"),
    [
        pytest.param(
            recipe,
            dialect,
            marks=[] if (name, dialect) in IN_GATE else [pytest.mark.patient],
            id=f"{name}-{dialect.value}",
        )
        for name, recipe in IMAGE_RECIPES.items()
        for dialect in Dialect
    ],
    indirect=["recipe"],
)
def test_a_cluster_of_an_image_completes_its_lifecycle(
    tmp_path: Path, tree: ImageTree, free_subnet: IPv4Network, dialect: Dialect
) -> None:
    with open_image_cloud(free_subnet, tmp_path / "state", tree) as cloud:
        run_image_lifecycle(ImageCluster(cloud, "prod", tree.family, dialect))

        assert cloud.server.dangerous_reads == []
