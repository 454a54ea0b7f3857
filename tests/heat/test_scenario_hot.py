"""The main job on a real Heat, in HOT: a cluster comes, grows, is resized, shrinks and goes, and its servers stay."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest

from guestagent.controller import Cluster, Dialect, Node
from guestagent.embedded.compute import NETWORK_ID
from guestagent.errors import CloudRefused
from tests.integration.clouds import Cloud

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("real-heat")]

PATIENCE = 150.0
NODE = Node(flavor="m1.tiny", image="guestagent-mariadb")


@pytest.fixture
def heat(real_heat: Cloud) -> Iterator[Cloud]:
    """Without a stack before and after."""
    yield real_heat
    with suppress(CloudRefused):
        real_heat.stacks.wait(real_heat.stacks.delete("hot"), PATIENCE)


def test_a_cluster_comes_grows_is_resized_shrinks_and_goes(heat: Cloud) -> None:
    made = Cluster.new(
        source=NODE, replicas=[NODE], network=NETWORK_ID, polling_interval=1, dialect=Dialect.HOT
    )
    assert heat.stacks.wait(heat.stacks.create("hot", made), PATIENCE).status == "CREATE_COMPLETE"
    source, replica = heat.guest("Master0000"), heat.guest("Slave0000")

    heat.stacks.wait(heat.stacks.change("hot", lambda now: now.add_replica(NODE)), PATIENCE)
    heat.stacks.resize("hot", "Slave0000", "m1.small", PATIENCE)
    heat.stacks.wait(heat.stacks.change("hot", lambda now: now.remove_replica("Slave0001")), PATIENCE)

    assert (heat.guest("Master0000"), heat.guest("Slave0000")) == (source, replica)
    nodes = heat.stacks.status("hot").nodes
    assert [(node.name, node.node.flavor, node.node.generation) for node in nodes] == [
        ("Master0000", "m1.tiny", 2),
        ("Slave0000", "m1.small", 2),
    ]
    assert [node.evidence["role"] for node in nodes if isinstance(node.evidence, dict)] == [
        "source",
        "replica",
    ]
