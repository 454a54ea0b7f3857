"""Every way in which a node of an image learns of its instance: each ends with a ready source.

Each way has its turn with one of the images in every run; `make test-all` tries all of them with each.
"""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

import pytest

from guestagent.controller import Cluster, Dialect, Node
from guestagent.embedded.containers import Datasource, ImageTree
from tests.support.image_boots import check_boot, get_datasource
from tests.support.image_cloud import open_image_cloud
from tests.support.image_recipes import IMAGE_RECIPES

pytestmark = pytest.mark.timeout(900)


@pytest.mark.parametrize(
    ("recipe", "datasource"),
    [
        pytest.param(
            recipe,
            datasource,
            marks=[] if number % len(IMAGE_RECIPES) == place else [pytest.mark.patient],
            id=f"{name}-{datasource.value}",
        )
        for place, (name, recipe) in enumerate(IMAGE_RECIPES.items())
        for number, datasource in enumerate(Datasource)
    ],
    indirect=["recipe"],
)
def test_a_source_is_ready_with_any_datasource(
    tmp_path: Path, tree: ImageTree, free_subnet: IPv4Network, datasource: Datasource
) -> None:
    node = Node(flavor="m1.tiny", image=f"guestagent-{tree.family}")
    cluster = Cluster.new(source=node, replicas=[], polling_interval=3, dialect=Dialect.CFN)
    with open_image_cloud(free_subnet, tmp_path / "state", tree, datasource) as cloud:
        stack = cloud.create("prod", cluster)

        guest = cloud.find_guest("Master0000")
        check_boot(cloud, guest)
        assert stack.status == "CREATE_COMPLETE"
        assert get_datasource(cloud, guest).startswith(f"DataSource{datasource.value}")
