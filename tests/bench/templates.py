"""The templates that the bench compares."""

from __future__ import annotations

from typing import Any

from guestagent.controller import Cluster, Dialect, Node, render

FLAVOR, IMAGE = "m1.tiny", "guestagent-mariadb"
PLAIN, CFN, HOT = "plain", "cfn", "hot"


def build_template(kind: str, replicas: int, subnet: str) -> dict[str, Any]:
    """Build the template of a cluster with one source and this many replicas."""
    if kind == PLAIN:
        return build_plain_template(replicas, subnet)
    node = Node(flavor=FLAVOR, image=IMAGE)
    cluster = Cluster.new(source=node, replicas=[node] * replicas, subnet=subnet, dialect=Dialect(kind))
    return render(cluster)


def build_plain_template(replicas: int, subnet: str) -> dict[str, Any]:
    """Build the template of 2013 with correct references: nodes one after another, each with its own handle."""
    slaves = [f"Slave{number:04}" for number in range(replicas)]
    users = [{"name": name.lower(), "password": "some_random_string"} for name in slaves]
    resources = build_node("Master0000", subnet, {"Users": users})
    for name in slaves:
        address = {"Fn::GetAtt": ["Master0000", "PrivateIp"]}
        user = {"name": name.lower(), "password": "some_random_string"}
        resources |= build_node(name, subnet, {"Master": {"Address": address, "User": user}})
        resources[name]["DependsOn"] = "Master0000ReadyWaitCond"
    return {"HeatTemplateFormatVersion": "2012-12-12", "Resources": resources}


def build_node(name: str, subnet: str, metadata: dict[str, Any]) -> dict[str, Any]:
    handle, condition = f"{name}ReadyWaitCondHandle", f"{name}ReadyWaitCond"
    return {
        handle: {"Type": "AWS::CloudFormation::WaitConditionHandle"},
        condition: {
            "Type": "AWS::CloudFormation::WaitCondition",
            "DependsOn": name,
            "Properties": {"Handle": {"Ref": handle}, "Timeout": 600},
        },
        name: {
            "Type": "AWS::EC2::Instance",
            "Properties": {"InstanceType": FLAVOR, "ImageId": IMAGE, "SubnetId": subnet},
            "Metadata": {"ReadyWaitCondition": {"Ref": handle}, **metadata},
        },
    }
