"""Availability zones of nodes: in cluster.yaml, in both template formats, and never changed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from guestagent.controller import Cluster, Dialect, Node, StackVolume, parse, render
from guestagent.controller.cluster_file import read_document
from guestagent.controller.replacement_guard import check_volume_changes
from guestagent.errors import InvalidCluster


def read_zones(**changes: object) -> list[str | None]:
    document = {"flavor": "m1.small", "image": "db", "network": "private", "source": {}, "replicas": 1}
    return [node.zone for node in read_document({**document, **changes}).cluster]


@pytest.mark.parametrize(
    ("changes", "zones"),
    [
        ({}, [None, None]),
        ({"zone": "north"}, ["north", "north"]),
        ({"source": {"zone": "north"}}, ["north", "north"]),
        ({"zone": "north", "replicas": [{"zone": "south"}, {}]}, ["north", "south", "north"]),
        ({"source": {"zone": "north"}, "replicas": [{}]}, ["north", None]),
    ],
)
def test_a_zone_is_that_of_all_nodes_or_of_one(changes: dict[str, object], zones: list[str | None]) -> None:
    assert read_zones(**changes) == zones


@pytest.mark.parametrize("zone", ["", 7, "x" * 256])
def test_a_zone_that_is_no_name_is_rejected(zone: object) -> None:
    with pytest.raises(InvalidCluster, match="zone"):
        read_zones(zone=zone)


def build_cluster(dialect: Dialect, zone: str | None = "north") -> Cluster:
    volume = StackVolume(20) if dialect is Dialect.HOT else None
    node = Node("m1.small", "db", volume=volume, zone=zone)
    return Cluster.new(source=replace(node, zone=None), replicas=[node], network="private", dialect=dialect)


@pytest.mark.parametrize("dialect", list(Dialect))
def test_a_template_keeps_the_zones(dialect: Dialect) -> None:
    cluster = build_cluster(dialect)

    assert parse(render(cluster)) == cluster


def test_the_volume_is_in_the_zone_of_its_server() -> None:
    resources = render(build_cluster(Dialect.HOT))["resources"]

    assert resources["Slave0000"]["properties"]["availability_zone"] == "north"
    assert resources["Slave0000Volume"]["properties"]["availability_zone"] == "north"
    assert "availability_zone" not in resources["Master0000"]["properties"]


def test_a_node_that_exists_never_changes_its_zone() -> None:
    with pytest.raises(InvalidCluster, match=r"Slave0000\.zone: expected 'north'"):
        check_volume_changes(build_cluster(Dialect.HOT), build_cluster(Dialect.HOT, "south"))
