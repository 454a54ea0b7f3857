"""A template written by hand in the shape of 2013: read for what was meant, and told what was wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given

from guestagent.controller import Cluster, Dialect, Node, lint, parse, render
from guestagent.controller.origin import adopt, is_ours
from guestagent.controller.render.words import CFN, HOT
from guestagent.errors import InvalidTemplate
from tests.unit.controller.clusters import clusters
from tests.unit.controller.test_parse import garbage


def server(flavor: str, **metadata: Any) -> dict[str, Any]:
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
        "Slave0000": server("m1.small", Master={"Address": "10.0.0.1"}),
        "Master0000": server("m1.large", ReadyWaitCondition={"Ref": "Slave000Handle"}),
    }
}


def test_the_cluster_that_was_meant_is_a_new_one_that_heat_takes() -> None:
    made, _ = adopt(WRITTEN_BY_HAND)

    assert [(node.name, node.flavor, node.image) for node in made] == [
        ("Master0000", "m1.large", "trove-mysql"),
        ("Slave0000", "m1.small", "trove-mysql"),
    ]
    assert lint(render(made.in_dialect(Dialect.HOT))) == ()


def test_wrong_wiring_and_a_dangling_reference_are_said() -> None:
    _, problems = adopt(WRITTEN_BY_HAND)

    assert [problem.path for problem in problems] == [
        "document",
        "Resources.Slave0000Handle.Properties",
        "Resources.Slave0000Ready.Properties",
        "Resources.Slave0000.Properties",
        "Resources.Master0000.Properties",
        "Resources.Master0000.Metadata.ReadyWaitCondition.Ref",
    ]


def published(name: str) -> Any:
    """A template of the message of 2 July 2013, word for word."""
    return yaml.safe_load((Path(__file__).parents[1] / "metadata" / "origin" / name).read_text())


def test_the_published_source_is_a_cluster_of_one() -> None:
    made, problems = adopt(published("one-source.yaml"))

    assert [(node.name, node.flavor, node.image) for node in made] == [
        ("Master0000", "reallyfastandlotsofram", "trove-mysql")
    ]
    assert [problem.path for problem in problems] == [
        "document",
        "Resources.Master0000ReadyWaitCond.Properties",
        "Resources.Master0000ReadyWaitCond.DependsOn",
        "Resources.Master0000ReadyWaitCondHandle.Properties",
        "Resources.Master0000.Properties",
    ]


def test_the_published_pair_keeps_its_sizes_and_its_dangling_reference_is_said() -> None:
    made, problems = adopt(published("one-replica.yaml"))

    assert [(node.name, node.flavor) for node in made] == [
        ("Master0000", "reallyfastandlotsofram"),
        ("Slave0000", "kindofawesome"),
    ]
    assert made.dialect is Dialect.CFN
    dangling = [problem for problem in problems if problem.found == "SlaveReadyWaitCondHandle"]
    assert [problem.path for problem in dangling] == ["Resources.Slave0000.Metadata.ReadyWaitCondition.Ref"]
    for dialect in Dialect:
        there = replace(made.in_dialect(dialect), subnet="subnet-id")
        assert parse(render(there)) == there
        assert lint(render(there)) == ()


def in_hot(**parameters: Any) -> dict[str, Any]:
    """The same shape written by hand in the other dialect, its flavor a parameter."""

    def server(**metadata: Any) -> dict[str, Any]:
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
        "resources": {"db": server(), "standby": server(Master={"Address": {"get_attr": ["db", "first_address"]}})},
    }


def test_one_in_hot_is_read_with_its_place_its_key_and_its_parameters_defaults() -> None:
    made, problems = adopt(in_hot(default="m1.small"))

    assert [(node.name, node.flavor) for node in made] == [("Master0000", "m1.small"), ("Slave0000", "m1.small")]
    assert (made.dialect, made.network, made.key_pair) == (Dialect.HOT, "private", "ops")
    assert problems == ()


def test_a_parameter_without_a_default_says_too_little() -> None:
    with pytest.raises(InvalidTemplate) as refused:
        adopt(in_hot())

    assert [problem.path for problem in refused.value.problems] == [
        "resources.db.properties.flavor",
        "resources.standby.properties.flavor",
    ]


def by_hand(made: Cluster) -> dict[str, Any]:
    """A cluster as somebody would have written it in the shape of 2013, in the cluster's dialect."""
    words = HOT if made.dialect is Dialect.HOT else CFN

    def server(node: Node) -> dict[str, Any]:
        metadata = {} if node is made.source else {"Master": {"Address": "10.0.0.1"}}
        properties = {words.flavor: node.flavor, words.image: node.image}
        if made.key_pair is not None:
            properties[words.key_pair] = made.key_pair
        return {words.type: words.server, words.properties: properties, words.metadata: metadata}

    return {words.version: "x", words.resources: {f"Server{node.server_id}": server(node) for node in made}}


@given(clusters())
def test_whoever_is_meant_is_found_in_either_dialect(made: Cluster) -> None:
    found, _ = adopt(by_hand(made))

    assert [(node.flavor, node.image) for node in found] == [(node.flavor, node.image) for node in made]
    assert (found.dialect, found.key_pair) == (made.dialect, made.key_pair)
    assert adopt(by_hand(found))[0] == found


def test_what_cannot_be_known_is_asked_for() -> None:
    with pytest.raises(InvalidTemplate) as refused:
        adopt({"Resources": {"Db": {"Type": "AWS::EC2::Instance"}}})

    assert [problem.path for problem in refused.value.problems] == [
        "Resources.Db.Properties.InstanceType",
        "Resources.Db.Properties.ImageId",
    ]


@given(garbage)
def test_garbage_holds_no_cluster(document: object) -> None:
    with pytest.raises(InvalidTemplate):
        adopt(document)


@given(clusters())
def test_a_template_of_ours_is_known(made: Cluster) -> None:
    assert is_ours(render(made))
    assert not is_ours(WRITTEN_BY_HAND)
