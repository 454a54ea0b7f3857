"""Templates back as clusters, and garbage that is refused with everything that is wrong with it."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from guestagent.controller import Cluster, Dialect, parse, render
from guestagent.errors import InvalidTemplate
from guestagent.metadata import DataVolume
from guestagent.metadata.document import UnresolvedFunction
from guestagent.metadata.template_functions import build_function
from tests.support.cluster_strategies import SMALL, build_cluster, clusters, following_clusters
from tests.support.template_garbage import garbage

VOLUME_ID = "3e9f5b0c-64d1-4c1e-9a55-0c6a3e2f7d18"


@given(clusters())
def test_a_template_reads_back_as_its_cluster(cluster: Cluster) -> None:
    assert parse(render(cluster)) == cluster


@given(following_clusters())
def test_so_does_one_whose_source_is_elsewhere(cluster: Cluster) -> None:
    template = render(cluster)

    assert parse(template) == cluster
    assert parse(yaml.safe_load(yaml.safe_dump(template))) == cluster


@given(clusters())
def test_it_reads_back_through_yaml_and_json(cluster: Cluster) -> None:
    template = render(cluster)

    assert parse(yaml.safe_load(yaml.safe_dump(template))) == cluster
    assert parse(json.loads(json.dumps(template, sort_keys=True))) == cluster


def test_roles_come_from_the_metadata_and_never_from_names() -> None:
    cluster = build_cluster(replicas=2)
    swapped = replace(cluster, source=cluster.replicas[0], replicas=(cluster.own_source, cluster.replicas[1]))

    assert parse(render(swapped)) == swapped


def test_a_version_that_yaml_read_as_a_date_is_taken() -> None:
    assert parse(render(build_cluster()) | {"AWSTemplateFormatVersion": date(2010, 9, 9)}) == build_cluster()


def test_the_description_is_free() -> None:
    assert parse(render(build_cluster()) | {"Description": "ours"}) == build_cluster()


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("volume_id", [VOLUME_ID, build_function({"get_resource": "data"})])
def test_the_volume_of_a_node_is_kept_through_every_change(
    dialect: Dialect, volume_id: str | UnresolvedFunction
) -> None:
    volume = DataVolume(volume_id, size_gib=20, is_new=True)
    cluster = build_cluster(replicas=1, dialect=dialect)
    cluster = replace(cluster, replicas=(replace(cluster.replicas[0], volume=volume),))

    changed = parse(render(parse(render(cluster)).add_replica(SMALL).renew("Slave0000")))

    assert [node.volume for node in changed] == [None, volume, None]
    metadata = render(changed)["Resources" if dialect is Dialect.CFN else "resources"]["Slave0000"]
    document = metadata["Metadata" if dialect is Dialect.CFN else "metadata"]
    assert list(document["GuestAgent"]["Volume"]) == ["Id", "SizeGiB", "New"]


@given(garbage)
def test_garbage_is_an_invalid_template_and_nothing_else(document: object) -> None:
    with pytest.raises(InvalidTemplate) as refused:
        parse(document)

    assert refused.value.problems


def list_paths(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The paths of all values in a template."""
    children: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        children = list(value.items())
    elif isinstance(value, list):
        children = list(enumerate(value))
    return [path, *(place for key, child in children for place in list_paths(child, (*path, key)))]


def replace_value(template: dict[str, Any], path: tuple[str | int, ...], value: object) -> object:
    if not path:
        return value
    changed: Any = copy.deepcopy(template)
    at = changed
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return changed


TEMPLATE = render(build_cluster(replicas=1, subnet="s", client_networks=["10.0.0.0/8"]).add_replica(SMALL))


@given(st.sampled_from(list_paths(TEMPLATE)), garbage)
@example(("Resources", "Master0000", "Metadata", "GuestAgent", "ServerId"), True)
@example(("Resources", "Begin", "Metadata", "GuestAgentCluster", "NextServerId"), -1)
def test_garbage_at_any_place_of_a_template_is_refused_or_means_another_cluster(
    path: tuple[str | int, ...], value: object
) -> None:
    changed = replace_value(TEMPLATE, path, value)
    try:
        cluster = parse(changed)
    except InvalidTemplate:
        return
    assert isinstance(changed, dict)
    assert render(cluster) | {"Description": None} == changed | {"Description": None}


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (
            ("Resources", "Slave0000", "Properties", "SubnetId"),
            "elsewhere",
            "Resources.Slave0000.Properties.SubnetId: expected 's', found 'elsewhere'",
        ),
        (
            ("Resources", "Stranger"),
            {"Type": "OS::Heat::Value"},
            "Resources.Stranger: expected none, found a mapping "
            "(guestagent did not write it: an update would remove it)",
        ),
        (
            ("Resources", "Begin", "Metadata", "GuestAgentCluster", "Version"),
            2,
            "Version: expected 1, the newest known here, found 2 (use a newer guestagent)",
        ),
        (
            ("Resources", "Begin", "Metadata", "GuestAgentCluster", "NextReplica"),
            1,
            "replicas[1].name: expected a number below the next, 1, found Slave0001",
        ),
        (
            ("Resources", "Master0000", "Properties", "UserData"),
            "#!/bin/sh",
            "Resources.Master0000.Properties.UserData: expected the script of a cluster, found another",
        ),
        (
            ("Resources", "Master0000", "Metadata", "Master"),
            {},
            "Resources: expected one server without Master in its Metadata: the source, found none",
        ),
    ],
)
def test_what_is_wrong_is_reported_with_its_path(
    path: tuple[str | int, ...], value: object, message: str
) -> None:
    with pytest.raises(InvalidTemplate) as refused:
        parse(replace_value(TEMPLATE, path, value))

    assert message in str(refused.value)


def test_the_template_of_2013_is_not_a_cluster() -> None:
    server = {"Type": "AWS::EC2::Instance", "Properties": {"ImageId": "trove-mysql"}}

    with pytest.raises(InvalidTemplate) as refused:
        parse({"Resources": {"Master0000": server}})

    paths = [problem.path for problem in refused.value.problems]
    assert "Resources" in paths  # no Begin
    assert "Resources.Master0000.Properties" in paths  # no InstanceType
    assert "Resources.Master0000" in paths  # no Metadata
