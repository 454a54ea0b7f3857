"""Errors and known pitfalls that lint reports for templates before they are launched."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from guestagent.controller import Cluster, Dialect, lint, render
from tests.support.cluster_strategies import build_cluster, clusters
from tests.support.template_garbage import garbage

# As published in July 2013, with what the message left out of its properties.
SEED: dict[str, Any] = {
    "Resources": {
        "Slave0000ReadyWaitCond": {
            "Type": "AWS::CloudFormation::WaitCondition",
            "Properties": {"Timeout": 120},
        },
        "Slave0000ReadyWaitCondHandle": {
            "Type": "AWS::CloudFormation::WaitConditionHandle",
            "Properties": {"WaitConditionName": {"Ref": "Slave0000ReadyWaitCond"}},
        },
        "Slave0000": {
            "Type": "AWS::EC2::Instance",
            "DependsOn": "Master0000ReadyWaitCond",
            "Metadata": {"ReadyWaitCondition": {"Ref": "SlaveReadyWaitCondHandle"}},
        },
    }
}


def format_problems(build_template: object, auth_ttl: int = 900) -> str:
    return "\n".join(str(problem) for problem in lint(build_template, auth_ttl))


def build_template(**resources: dict[str, Any]) -> dict[str, Any]:
    return {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}


def build_value(content: object) -> dict[str, Any]:
    return build_resource(Properties={"value": content})


def build_resource(**more: Any) -> dict[str, Any]:
    return {"Type": "OS::Heat::Value", **more}


@given(clusters())
def test_a_rendered_template_has_no_problems(cluster: Cluster) -> None:
    problems = lint(render(cluster), cluster.auth_ttl)

    lacks_network = cluster.dialect is Dialect.CFN and cluster.subnet is None and cluster.network is None
    assert [problem.path for problem in problems] == [
        f"Resources.{node.name}.Properties" for node in cluster if lacks_network
    ]


def test_nova_rejects_an_instance_without_a_network() -> None:
    template = render(build_cluster(replicas=0))

    assert format_problems(template) == (
        "Resources.Master0000.Properties: expected SubnetId or NetworkInterfaces, found neither "
        "(from API version 2.37 on Nova creates no instance without one: set subnet or network in cluster.yaml)"
    )
    assert (
        format_problems(render(build_cluster(replicas=0, subnet="s")))
        == format_problems(render(build_cluster(replicas=0, network="n")))
        == ""
    )


def test_a_parameter_that_hot_names_must_be_there() -> None:
    template = {
        "heat_template_version": "2018-08-31",
        "parameters": {"Size": {"type": "string"}},
        "resources": {
            "A": {"type": "OS::Heat::Value", "properties": {"value": {"get_param": "Sise"}}},
            "B": {"type": "OS::Heat::Value", "properties": {"value": {"get_param": "OS::stack_name"}}},
        },
    }

    assert format_problems(template) == (
        "resources.A.properties.value.get_param: expected a parameter of this template, found Sise "
        "(did you mean Size?)"
    )


def test_the_wiring_of_2013_is_reported_as_the_wrong_way_round() -> None:
    problems = format_problems(SEED)

    assert "document: expected AWSTemplateFormatVersion, found none" in problems
    assert "Slave0000ReadyWaitCond.Properties: expected Handle: {Ref: ...}, found none" in problems
    assert (
        "Slave0000ReadyWaitCondHandle.Properties: expected no properties on a handle, found some" in problems
    )
    assert "found SlaveReadyWaitCondHandle (did you mean Slave0000ReadyWaitCondHandle?)" in problems
    assert "expected a resource of this template, found Master0000ReadyWaitCond" in problems


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        ([], "document: expected a mapping, found a list"),
        (build_template(A=[]), "Resources.A: expected a mapping"),  # type: ignore[arg-type]
        (build_template(A={}), "Resources.A: expected a Type, found none"),
        (
            build_template(A=build_resource(DependsOn="B"), B=build_resource(DependsOn="A")),
            "expected dependencies without a cycle, found ",
        ),
        (
            build_template(A=build_resource(Properties={"value": {"Fn::GetAtt": ["C", "x"]}})),
            "a resource of this template, found C",
        ),
        (
            build_template(**{f"V{n}": build_resource() for n in range(11)}),
            "at most 10 without dependencies, found 11",
        ),
        (
            build_template(
                **{f"V{n}": build_resource(DependsOn="V0") for n in range(1, 1002)}, V0=build_resource()
            ),
            "at most 1000 resources",
        ),
        (
            build_template(A=build_resource(Metadata={"x": "y" * 600_000})),
            "expected a template of at most 524288 bytes",
        ),
        (
            build_template(A={"Type": "AWS::EC2::Instance", "Properties": {"UserData": "#cloud-config\n"}}),
            "expected a script that begins with #!, found #cloud-config",
        ),
        (
            build_template(
                A={"Type": "AWS::EC2::Instance", "Properties": {"UserData": {"Fn::Base64": "x" * 50_000}}}
            ),
            "expected at most 65535 bytes encoded, found 66668",
        ),
    ],
)
def test_each_mistake_has_its_problem(broken: object, problem: str) -> None:
    assert problem in format_problems(broken)


@pytest.mark.parametrize(
    ("timeout", "problem"),
    [
        (0, "Timeout: expected 1 to 43200 seconds, found 0"),
        (None, "Timeout: expected 1 to 43200 seconds, found None"),
        ("soon", "Timeout: expected 1 to 43200 seconds, found soon"),
        (900, "Timeout: expected less than auth_ttl, 900 s, found 900 s"),
    ],
)
def test_a_conditions_time_must_fit_heat_and_keystone(timeout: object, problem: str) -> None:
    template = render(build_cluster())
    template["Resources"]["Master0000ReadyWaitCond"]["Properties"]["Timeout"] = timeout

    assert problem in format_problems(template)


def test_a_condition_whose_time_begins_before_its_server_is_reported() -> None:
    template = render(build_cluster())
    del template["Resources"]["Master0000ReadyWaitCond"]["DependsOn"]

    assert "the clock would start before the server does" in format_problems(template)


def test_parameters_may_be_referred_to() -> None:
    template = build_template(A=build_resource(Properties={"value": {"Ref": "Size"}})) | {
        "Parameters": {"Size": {"Type": "String"}}
    }

    assert format_problems(template) == ""


def test_a_template_that_contains_itself_is_refused() -> None:
    template = build_template()
    template["Resources"]["A"] = template

    assert "expected a mapping at most 200 deep" in format_problems(template)


@pytest.mark.parametrize(
    ("joins", "problem"), [(90, "without a cycle"), (110, "at most 200 deep"), (5000, "at most 200 deep")]
)
def test_a_deep_template_is_read_or_refused(joins: int, problem: str) -> None:
    content: object = {"Ref": "A"}
    for _ in range(joins):
        content = {"Fn::Join": ["", content]}

    assert problem in format_problems(build_template(A=build_value(content)))


def test_a_template_of_aliases_upon_aliases_is_refused_for_its_size() -> None:
    content: object = "x"
    for _ in range(40):
        content = [content, content]

    assert "expected a template of at most 524288 bytes" in format_problems(
        build_template(A=build_value(content))
    )


@given(garbage)
def test_garbage_has_problems_and_breaks_nothing(document: object) -> None:
    lint(document)
