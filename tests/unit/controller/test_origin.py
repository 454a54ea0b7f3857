"""A template written by hand in the shape of 2013: read for what was meant, and told what was wrong."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from guestagent.controller import Cluster, lint, render
from guestagent.controller.origin import adopt, is_ours
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
    assert lint(render(made)) == ()


def test_wrong_wiring_and_a_dangling_reference_are_said() -> None:
    _, problems = adopt(WRITTEN_BY_HAND)

    assert [problem.path for problem in problems] == [
        "document",
        "Resources.Slave0000Handle.Properties",
        "Resources.Slave0000Ready.Properties",
        "Resources.Master0000.Metadata.ReadyWaitCondition.Ref",
    ]


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
