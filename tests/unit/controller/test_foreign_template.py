"""A template written by hand in the shape of 2013: its cluster is read, and its mistakes are reported."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given

from guestagent.controller import Cluster, Dialect, Node, lint, parse, render
from guestagent.controller.foreign_template import adopt_template, is_generated
from guestagent.controller.template.keys import CFN_KEYS, HOT_KEYS
from guestagent.errors import InvalidTemplate
from guestagent.metadata.yaml_loader import load_yaml
from tests.support.cluster_strategies import clusters
from tests.support.template_garbage import garbage


def build_server(flavor: str, **metadata: Any) -> dict[str, Any]:
    properties = {"ImageId": "trove-mysql", "InstanceType": flavor}
    return {"Type": "AWS::EC2::Instance", "Properties": properties, "Metadata": metadata}


WRITTEN_BY_HAND: dict[str, Any] = {
    "Resources": {
        "Slave0000Handle": {
            "Type": "AWS::CloudFormation::WaitConditionHandle",
            "Properties": {"WaitConditionName": {"Ref": "Slave0000Ready"}},
        },
        "Slave0000Ready": {
            "Type": "AWS::CloudFormation::WaitCondition",
            "DependsOn": "Slave0000",
            "Properties": {"Timeout": 120},
        },
        "Slave0000": build_server("m1.small", Master={"Address": "10.0.0.1"}),
        "Master0000": build_server("m1.large", ReadyWaitCondition={"Ref": "Slave000Handle"}),
    }
}


def test_the_intended_cluster_is_a_new_one_that_heat_accepts() -> None:
    cluster = adopt_template(WRITTEN_BY_HAND).cluster

    assert [(node.name, node.flavor, node.image) for node in cluster] == [
        ("Master0000", "m1.large", "trove-mysql"),
        ("Slave0000", "m1.small", "trove-mysql"),
    ]
    assert lint(render(cluster.in_dialect(Dialect.HOT))) == ()


def test_wrong_wiring_and_a_dangling_reference_are_reported() -> None:
    problems = adopt_template(WRITTEN_BY_HAND).problems

    assert [problem.path for problem in problems] == [
        "document",
        "Resources.Slave0000Handle.Properties",
        "Resources.Slave0000Ready.Properties",
        "Resources.Slave0000.Properties",
        "Resources.Master0000.Properties",
        "Resources.Master0000.Metadata.ReadyWaitCondition.Ref",
    ]


def read_published_template(name: str) -> Any:
    """A template of the message of 2 July 2013, word for word."""
    return yaml.safe_load((Path(__file__).parents[1] / "metadata" / "origin" / name).read_text())


def test_the_published_source_is_a_cluster_of_one() -> None:
    adoption = adopt_template(read_published_template("one-source.yaml"))
    cluster, problems = adoption.cluster, adoption.problems

    assert [(node.name, node.flavor, node.image) for node in cluster] == [
        ("Master0000", "reallyfastandlotsofram", "trove-mysql")
    ]
    assert [problem.path for problem in problems] == [
        "document",
        "Resources.Master0000ReadyWaitCond.Properties",
        "Resources.Master0000ReadyWaitCond.DependsOn",
        "Resources.Master0000ReadyWaitCondHandle.Properties",
        "Resources.Master0000.Properties",
    ]


def test_the_published_pair_keeps_its_sizes_and_its_dangling_reference_is_reported() -> None:
    adoption = adopt_template(read_published_template("one-replica.yaml"))
    cluster, problems = adoption.cluster, adoption.problems

    assert [(node.name, node.flavor) for node in cluster] == [
        ("Master0000", "reallyfastandlotsofram"),
        ("Slave0000", "kindofawesome"),
    ]
    assert cluster.dialect is Dialect.CFN
    dangling = [problem for problem in problems if problem.found == "SlaveReadyWaitCondHandle"]
    assert [problem.path for problem in dangling] == ["Resources.Slave0000.Metadata.ReadyWaitCondition.Ref"]
    for dialect in Dialect:
        there = replace(cluster.in_dialect(dialect), subnet="subnet-id")
        assert parse(render(there)) == there
        assert lint(render(there)) == ()


def build_hot_template(**parameters: Any) -> dict[str, Any]:
    """The same shape written by hand in the other dialect, its flavor a parameter."""

    def build_server(**metadata: Any) -> dict[str, Any]:
        properties = {
            "image": "trove-mysql",
            "flavor": {"get_param": "size"},
            "key_name": "ops",
            "networks": [{"network": "private"}],
        }
        return {"type": "OS::Nova::Server", "properties": properties, "metadata": metadata}

    return {
        "heat_template_version": "2013-05-23",
        "parameters": {"size": {"type": "string", **parameters}},
        "resources": {
            "db": build_server(),
            "standby": build_server(Master={"Address": {"get_attr": ["db", "first_address"]}}),
        },
    }


def test_one_in_hot_is_read_with_its_place_its_key_and_its_parameters_defaults() -> None:
    adoption = adopt_template(build_hot_template(default="m1.small"))
    cluster, problems = adoption.cluster, adoption.problems

    assert [(node.name, node.flavor) for node in cluster] == [
        ("Master0000", "m1.small"),
        ("Slave0000", "m1.small"),
    ]
    assert (cluster.dialect, cluster.network, cluster.key_pair) == (Dialect.HOT, "private", "ops")
    assert problems == ()


def test_a_parameter_without_a_default_has_no_value() -> None:
    with pytest.raises(InvalidTemplate) as refused:
        adopt_template(build_hot_template())

    assert [problem.path for problem in refused.value.problems] == [
        "resources.db.properties.flavor",
        "resources.standby.properties.flavor",
    ]


def render_by_hand(cluster: Cluster) -> dict[str, Any]:
    """A cluster as somebody would have written it in the shape of 2013, in the cluster's dialect."""
    words = HOT_KEYS if cluster.dialect is Dialect.HOT else CFN_KEYS

    def build_server(node: Node) -> dict[str, Any]:
        metadata: dict[str, Any] = {"Users": []}
        if node is not cluster.source:
            metadata = {"Master": {"Address": "10.0.0.1"}}
        properties = {words.flavor: node.flavor, words.image: node.image}
        if cluster.key_pair is not None:
            properties[words.key_pair] = cluster.key_pair
        return {words.type: words.server, words.properties: properties, words.metadata: metadata}

    return {
        words.version: "x",
        words.resources: {f"Server{node.server_id}": build_server(node) for node in cluster},
    }


@given(clusters())
def test_the_nodes_are_found_in_either_format(cluster: Cluster) -> None:
    adopted_cluster = adopt_template(render_by_hand(cluster)).cluster

    assert [(node.flavor, node.image) for node in adopted_cluster] == [
        (node.flavor, node.image) for node in cluster
    ]
    assert (adopted_cluster.dialect, adopted_cluster.key_pair) == (cluster.dialect, cluster.key_pair)
    assert adopt_template(render_by_hand(adopted_cluster)).cluster == adopted_cluster


def test_an_unknown_value_is_a_problem() -> None:
    with pytest.raises(InvalidTemplate) as refused:
        adopt_template({"Resources": {"Db": {"Type": "AWS::EC2::Instance", "Metadata": {"Users": []}}}})

    assert [problem.path for problem in refused.value.problems] == [
        "Resources.Db.Properties.InstanceType",
        "Resources.Db.Properties.ImageId",
    ]


@given(garbage)
def test_garbage_holds_no_cluster(document: object) -> None:
    with pytest.raises(InvalidTemplate):
        adopt_template(document)


@given(clusters())
def test_a_rendered_template_is_recognised(cluster: Cluster) -> None:
    assert is_generated(render(cluster))
    assert not is_generated(WRITTEN_BY_HAND)


TEMPLATES = Path(__file__).parent / "templates"


@pytest.mark.parametrize("path", sorted(TEMPLATES.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_template_of_anything_else_is_refused(path: Path) -> None:
    with pytest.raises(InvalidTemplate) as refused:
        adopt_template(load_yaml(path.read_text()))

    [problem] = refused.value.problems
    assert problem.path.lower() == "resources"
    assert problem.do == "it is not a template of a database cluster"


def test_a_server_beside_the_nodes_is_none_of_them() -> None:
    beside = {"Type": "AWS::EC2::Instance", "Properties": {"ImageId": "web", "InstanceType": "m1.tiny"}}

    adoption = adopt_template({"Resources": {"Web": beside, **WRITTEN_BY_HAND["Resources"]}})

    assert [node.image for node in adoption.cluster] == ["trove-mysql"] * 2
    assert "left behind: Resources.Web (AWS::EC2::Instance)" in map(str, adoption.omissions)


RICH = """
AWSTemplateFormatVersion: '2010-09-09'
Description: A source with a volume
Parameters:
  Size: {Type: String, Default: m1.large}
Mappings:
  Images: {here: {db: trove-mysql}}
Resources:
  Handle: {Type: 'AWS::CloudFormation::WaitConditionHandle'}
  Ready:
    Type: AWS::CloudFormation::WaitCondition
    DependsOn: Db
    Properties: {Handle: {Ref: Handle}, Timeout: 600}
  Db:
    Type: AWS::EC2::Instance
    DeletionPolicy: Retain
    DependsOn: Disk
    Metadata:
      ReadyWaitCondition: {Ref: Handle}
      Users: [{name: a, password: s3cret}]
      GuestAgent: {Version: 1, Node: db, Variables: {max_connections: 9}}
      Other: {x: y}
    Properties:
      InstanceType: {Ref: Size}
      ImageId: trove-mysql
      KeyName: ops
      SubnetId: lan
      SecurityGroups: [database]
      UserData: "#!/bin/sh\\n"
  Disk: {Type: 'AWS::EC2::Volume', Properties: {Size: 5}}
Outputs:
  Address: {Value: {'Fn::GetAtt': [Db, PrivateIp]}}
"""


def test_everything_that_the_cluster_does_not_take_over_is_listed() -> None:
    adoption = adopt_template(load_yaml(RICH))

    assert (adoption.cluster.own_source.flavor, adoption.cluster.subnet, adoption.cluster.key_pair) == (
        "m1.large", "lan", "ops",
    )  # fmt: skip
    assert [f"{each.path}: {each.kind}" for each in adoption.omissions] == [
        "Description: a string",
        "Parameters.Size: a mapping",
        "Mappings.Images: a mapping",
        "Resources.Ready.Properties.Timeout: an integer",
        "Resources.Db.Properties.SecurityGroups: a list",
        "Resources.Db.Properties.UserData: a string",
        "Resources.Db.Metadata.Users: a list of 1, for 0 replicas",
        "Resources.Db.Metadata.GuestAgent.Variables: a mapping",
        "Resources.Db.Metadata.Other: a mapping",
        "Resources.Db.DeletionPolicy: a string",
        "Resources.Disk: AWS::EC2::Volume",
        "Outputs.Address: a mapping",
    ]


def test_places_that_only_some_nodes_name_are_left_behind() -> None:
    template = build_hot_template(default="m1.small")
    template["resources"]["db"]["properties"]["networks"].append({"network": "storage"})
    template["resources"]["standby"]["properties"]["key_name"] = "other"

    left_behind = [each.path for each in adopt_template(template).omissions]

    assert left_behind == [
        "parameters.size",
        "resources.db.properties.key_name",
        "resources.db.properties.networks",
        "resources.standby.properties.key_name",
    ]
