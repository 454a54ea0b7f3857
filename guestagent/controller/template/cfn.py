"""A cluster as a template in the CloudFormation dialect: the origin's resources, wired as Heat takes them.

The shape of every part is bound by how Heat behaves; the reasons stand beside the parts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from guestagent.controller.cluster import Cluster
from guestagent.controller.node import Node
from guestagent.controller.passwords import PASSWORD_LENGTH
from guestagent.controller.template.node_metadata import (
    CA_RESOURCE,
    DATABASE_PORT,
    HANDLES_RESOURCE,
    DialectFunctions,
    TemplateMapping,
    build_cluster_metadata,
    build_node_metadata,
    check_template_size,
    has_parameters,
    list_handles,
    list_parameters,
)
from guestagent.controller.template.security_group import SECURITY_GROUP_TYPE, build_security_group
from guestagent.controller.template.userdata import UserDataSettings, build_user_data


def render_cfn(cluster: Cluster) -> dict[str, Any]:
    """The template, a plain dictionary ready for JSON and YAML; InvalidCluster where Heat has no room."""
    resources = {"Begin": _begin(cluster), "Members": _members(), "Database": _database(cluster)}
    if cluster.tls is not None and cluster.tls.ca is not None:
        authority = {"Type": "OS::Heat::Value", "DependsOn": "Begin"}
        resources[CA_RESOURCE] = {**authority, "Properties": {"value": str(cluster.tls.ca)}}
    for node in cluster:
        resources |= _node(cluster, node)
    if cluster.replicas:
        resources[HANDLES_RESOURCE] = _value("there", list_handles(cluster))
    # Deletion starts at this one, and not with a second's sleep for each condition.
    resources["End"] = _value("ready", [node.condition for node in cluster])
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "A guestagent cluster",
        **_parameters(cluster),
        "Resources": resources,
        "Outputs": dict(_outputs(cluster)),
    }
    check_template_size(template, len(resources))
    return template


def _parameters(cluster: Cluster) -> TemplateMapping:
    hidden = {name: {"Type": "String", "NoEcho": True} for name in list_parameters(cluster)}
    return {"Parameters": hidden} if hidden else {}


def _begin(cluster: Cluster) -> TemplateMapping:
    """The gate: Heat sleeps a second for each resource without dependencies, so that this is the only one."""
    return {
        "Type": "OS::Heat::Value",
        "Properties": {"value": "cluster"},
        "Metadata": build_cluster_metadata(cluster),
    }


def _value(value: str, after: list[str]) -> TemplateMapping:
    return {"Type": "OS::Heat::Value", "DependsOn": after, "Properties": {"value": value}}


def _members() -> TemplateMapping:
    """A group without rules: a group cannot name itself as the origin of its traffic, so that takes two."""
    return {
        "Type": "AWS::EC2::SecurityGroup",
        "DependsOn": "Begin",
        "Properties": {"GroupDescription": "Nodes of the cluster"},
    }


def _database(cluster: Cluster) -> TemplateMapping:
    if cluster.ipv6:
        # Heat makes rules of IPv4 alone of an AWS::EC2::SecurityGroup.
        return {
            "Type": SECURITY_GROUP_TYPE,
            "DependsOn": "Begin",
            "Properties": build_security_group(cluster, {"Ref": "Members"}),
        }
    origins: list[TemplateMapping] = [{"SourceSecurityGroupId": {"Ref": "Members"}}]
    origins += [{"CidrIp": network} for network in cluster.client_networks]
    port = {"IpProtocol": "tcp", "FromPort": str(DATABASE_PORT), "ToPort": str(DATABASE_PORT)}
    return {
        "Type": "AWS::EC2::SecurityGroup",
        "DependsOn": "Begin",
        "Properties": {
            "GroupDescription": "The database port, between the nodes and from the client networks",
            "SecurityGroupIngress": [{**port, **origin} for origin in origins],
        },
    }


def _node(cluster: Cluster, node: Node) -> dict[str, TemplateMapping]:
    is_source = node is cluster.source
    resources = _identity(node)
    if not has_parameters(cluster):
        resources[node.password] = _password()
    if cluster.network is not None:
        resources[node.port] = _port(cluster.network)
    resources[node.handle] = {
        "Type": "AWS::CloudFormation::WaitConditionHandle",
        # Keystone counts the life of a handle's URL from its creation: a replica's starts when its source is
        # ready.
        "DependsOn": "Begin" if is_source else [cluster.source.condition],
    }
    resources[node.name] = _server(cluster, node) | ({} if is_source else {"DependsOn": [HANDLES_RESOURCE]})
    resources[node.condition] = {
        "Type": "AWS::CloudFormation::WaitCondition",
        "DependsOn": [node.name],  # its clock starts when the server runs
        "Properties": {"Handle": {"Ref": node.handle}, "Timeout": cluster.condition_timeout},
    }
    return resources


def _identity(node: Node) -> dict[str, TemplateMapping]:
    """A key of the node's own: a shared one could read every node's passwords."""
    return {
        node.policy: {
            "Type": "OS::Heat::AccessPolicy",
            "DependsOn": "Begin",
            "Properties": {"AllowedResources": [node.name]},
        },
        node.user: {"Type": "AWS::IAM::User", "Properties": {"Policies": [{"Ref": node.policy}]}},
        node.access_key: {"Type": "AWS::IAM::AccessKey", "Properties": {"UserName": {"Ref": node.user}}},
    }


def _password() -> TemplateMapping:
    """Every node has one from the start, for roles change and a password must not."""
    return {"Type": "OS::Heat::RandomString", "DependsOn": "Begin", "Properties": {"length": PASSWORD_LENGTH}}


def _port(network: str) -> TemplateMapping:
    """The origin's server takes a subnet but no network: with a network it gets a port there."""
    return {
        "Type": "OS::Neutron::Port",
        "Properties": {"network": network, "security_groups": [{"Ref": "Members"}, {"Ref": "Database"}]},
    }


def _server(cluster: Cluster, node: Node) -> TemplateMapping:
    properties: dict[str, Any] = {"ImageId": node.image, "InstanceType": node.flavor}
    if cluster.key_pair is not None:
        properties["KeyName"] = cluster.key_pair
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
        source_address={"Fn::GetAtt": [cluster.source.name, "PrivateIp"]},
        password=lambda each: {"Ref": each.password},
        ca={"Fn::GetAtt": [CA_RESOURCE, "value"]},
    )
    metadata = build_node_metadata(cluster, node, functions)
    return {"Type": "AWS::EC2::Instance", "Properties": properties, "Metadata": metadata}


def _outputs(cluster: Cluster) -> Iterator[tuple[str, TemplateMapping]]:
    for node in cluster:
        yield f"{node.name}Address", {"Value": {"Fn::GetAtt": [node.name, "PrivateIp"]}}
        yield f"{node.name}Evidence", {"Value": {"Fn::GetAtt": [node.condition, "Data"]}}
