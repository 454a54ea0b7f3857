"""Renders a cluster as a CloudFormation template, with the resource types of the template published in 2013.

The structure follows from Heat's behaviour; comments give the reasons.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from guestagent.controller.cluster import Cluster
from guestagent.controller.node import Node
from guestagent.controller.passwords import PASSWORD_LENGTH
from guestagent.controller.template.extra_group_resources import SECURITY_GROUP_TYPE
from guestagent.controller.template.handle_order import (
    HANDLES_RESOURCE,
    list_handle_dependencies,
    list_handles,
    list_server_dependencies,
)
from guestagent.controller.template.node_metadata import (
    CA_RESOURCE,
    DATABASE_PORT,
    build_cluster_metadata,
    build_node_metadata,
    has_parameters,
    is_parameter,
    list_parameters,
    list_special_passwords,
)
from guestagent.controller.template.node_values import DialectFunctions, TemplateMapping
from guestagent.controller.template.security_group import (
    build_follower_rules,
    build_security_group,
)
from guestagent.controller.template.seeding_metadata import (
    DONOR_CERTIFICATE_RESOURCE,
    DONOR_RULE_TYPE,
    list_rules,
)
from guestagent.controller.template.stack_limits import check_template_size
from guestagent.controller.template.userdata import UserDataSettings, build_user_data


def render_cfn(cluster: Cluster) -> dict[str, Any]:
    """Return the template, a plain dictionary for JSON or YAML. Raise InvalidCluster if it is too large for Heat."""
    resources = {
        "Begin": _build_begin(cluster),
        "Members": _build_members_group(),
        "Database": _build_database_group(cluster),
    }
    if cluster.tls is not None and cluster.tls.ca is not None:
        resources[CA_RESOURCE] = _build_value(str(cluster.tls.ca), "Begin")
    if not has_parameters(cluster):
        resources |= {name: _build_password() for name in list_special_passwords(cluster)}
    resources |= _build_donor_resources(cluster)
    follower_rules = build_follower_rules(cluster)
    resources |= follower_rules
    for node in cluster:
        resources |= _build_node(cluster, node)
    if cluster.replicas:
        resources[HANDLES_RESOURCE] = _build_value("there", list_handles(cluster))
    # Deletion starts at this resource; otherwise Heat would sleep one second for each wait condition.
    resources["End"] = _build_value("ready", [*(node.condition for node in cluster), *follower_rules])
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "A guestagent cluster",
        **_build_parameters(cluster),
        "Resources": resources,
        "Outputs": dict(_build_outputs(cluster)),
    }
    check_template_size(template, len(resources))
    return template


def _build_parameters(cluster: Cluster) -> TemplateMapping:
    parameters = {name: {"Type": "String", "NoEcho": True} for name in list_parameters(cluster)}
    return {"Parameters": parameters} if parameters else {}


def _build_begin(cluster: Cluster) -> TemplateMapping:
    """Build the only resource without dependencies: Heat sleeps a second for each of those."""
    return {
        "Type": "OS::Heat::Value",
        "Properties": {"value": "cluster"},
        "Metadata": build_cluster_metadata(cluster),
    }


def _build_donor_resources(cluster: Cluster) -> dict[str, TemplateMapping]:
    """Build what the source needs as a donor."""
    resources = {
        name: {"Type": DONOR_RULE_TYPE, "Properties": rule}
        for name, rule in list_rules(cluster, {"Ref": "Database"}, {"Ref": "Members"}).items()
    }
    if cluster.donor_certificate is not None:
        resources[DONOR_CERTIFICATE_RESOURCE] = _build_value(cluster.donor_certificate, "Begin")
    return resources


def _build_value(value: str, dependencies: list[str] | str) -> TemplateMapping:
    return {"Type": "OS::Heat::Value", "DependsOn": dependencies, "Properties": {"value": value}}


def _build_members_group() -> TemplateMapping:
    """Build a group without rules. In CFN a group cannot allow traffic from itself, so two are needed."""
    return {
        "Type": "AWS::EC2::SecurityGroup",
        "DependsOn": "Begin",
        "Properties": {"GroupDescription": "Nodes of the cluster"},
    }


def _build_database_group(cluster: Cluster) -> TemplateMapping:
    if cluster.ipv6:
        # Heat creates only IPv4 rules for an AWS::EC2::SecurityGroup.
        return {
            "Type": SECURITY_GROUP_TYPE,
            "DependsOn": "Begin",
            "Properties": build_security_group(cluster, cluster.client_networks, {"Ref": "Members"}),
        }
    sources: list[TemplateMapping] = [{"SourceSecurityGroupId": {"Ref": "Members"}}]
    sources += [{"CidrIp": network} for network in cluster.client_networks]
    port = {"IpProtocol": "tcp", "FromPort": str(DATABASE_PORT), "ToPort": str(DATABASE_PORT)}
    return {
        "Type": "AWS::EC2::SecurityGroup",
        "DependsOn": "Begin",
        "Properties": {
            "GroupDescription": "The database port, between the nodes and from the client networks",
            "SecurityGroupIngress": [{**port, **origin} for origin in sources],
        },
    }


def _build_node(cluster: Cluster, node: Node) -> dict[str, TemplateMapping]:
    resources = _build_credentials(node)
    if not is_parameter(cluster, node.password):
        resources[node.password] = _build_password()
    if cluster.network is not None:
        resources[node.port] = _build_port(cluster.network)
    resources[node.handle] = {
        "Type": "AWS::CloudFormation::WaitConditionHandle",
        "DependsOn": list_handle_dependencies(cluster, node),
    }
    dependencies = list_server_dependencies(cluster, node)
    resources[node.name] = _build_server(cluster, node) | (
        {"DependsOn": dependencies} if dependencies else {}
    )
    resources[node.condition] = {
        "Type": "AWS::CloudFormation::WaitCondition",
        "DependsOn": [node.name],  # its time begins when the server runs
        "Properties": {"Handle": {"Ref": node.handle}, "Timeout": cluster.get_condition_timeout(node)},
    }
    return resources


def _build_credentials(node: Node) -> dict[str, TemplateMapping]:
    """Build an access key for this node only: a shared one could read every node's passwords."""
    return {
        node.policy: {
            "Type": "OS::Heat::AccessPolicy",
            "DependsOn": "Begin",
            "Properties": {"AllowedResources": [node.name]},
        },
        node.user: {"Type": "AWS::IAM::User", "Properties": {"Policies": [{"Ref": node.policy}]}},
        node.access_key: {"Type": "AWS::IAM::AccessKey", "Properties": {"UserName": {"Ref": node.user}}},
    }


def _build_password() -> TemplateMapping:
    """Build a password. Every node has one from the start: its role may change, its password must not."""
    return {"Type": "OS::Heat::RandomString", "DependsOn": "Begin", "Properties": {"length": PASSWORD_LENGTH}}


def _build_port(network: str) -> TemplateMapping:
    """Build a port in the network: AWS::EC2::Instance accepts a subnet but no network."""
    return {
        "Type": "OS::Neutron::Port",
        "Properties": {"network": network, "security_groups": [{"Ref": "Members"}, {"Ref": "Database"}]},
    }


def _build_server(cluster: Cluster, node: Node) -> TemplateMapping:
    properties: dict[str, Any] = {"ImageId": node.image, "InstanceType": node.flavor}
    if cluster.key_pair is not None:
        properties["KeyName"] = cluster.key_pair
    if node.zone is not None:
        properties["AvailabilityZone"] = node.zone
    if cluster.network is not None:
        properties["NetworkInterfaces"] = [{"Ref": node.port}]
    else:
        properties["SecurityGroupIds"] = [{"Ref": "Members"}, {"Ref": "Database"}]
    if cluster.subnet is not None:
        properties["SubnetId"] = cluster.subnet
    properties["UserData"] = build_user_data(
        node, UserDataSettings(cluster.metadata_url, cluster.polling_interval)
    )
    functions = DialectFunctions(
        handle={"Ref": node.handle},
        source_address={"Fn::GetAtt": [cluster.source.name, "PrivateIp"]}
        if isinstance(cluster.source, Node)
        else None,
        password=lambda name: {"Ref": name},
        parameter=lambda name: {"Ref": name},
        value=lambda name: {"Fn::GetAtt": [name, "value"]},
    )
    metadata = build_node_metadata(cluster, node, functions)
    return {"Type": "AWS::EC2::Instance", "Properties": properties, "Metadata": metadata}


def _build_outputs(cluster: Cluster) -> Iterator[tuple[str, TemplateMapping]]:
    for node in cluster:
        yield f"{node.name}Address", {"Value": {"Fn::GetAtt": [node.name, "PrivateIp"]}}
        yield f"{node.name}Evidence", {"Value": {"Fn::GetAtt": [node.condition, "Data"]}}
