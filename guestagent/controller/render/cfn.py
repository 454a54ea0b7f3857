"""A cluster as a template in the CloudFormation dialect: the origin's resources, wired as Heat takes them.

The shape of every part is bound by how Heat behaves; the reasons stand beside the parts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from guestagent.controller.cluster import Cluster
from guestagent.controller.node import Node
from guestagent.controller.render.userdata import Collecting, userdata
from guestagent.errors import InvalidCluster
from guestagent.metadata import Role
from guestagent.problems import Problems

VERSION = 1  # of what Begin's metadata holds
SECTION_VERSION = 1  # of the GuestAgent section in the nodes' metadata
PORT = 3306
PASSWORD_LENGTH = 30  # MySQL takes 32 characters at most for a channel's password
MOST_RESOURCES = 1000
MOST_BYTES = 512 * 1024
SERVER_BUILD = 600  # seconds that a cloud may take to make a server run, before the condition's clock starts

Resource = dict[str, Any]


def render(cluster: Cluster) -> dict[str, Any]:
    """The template, a plain dictionary ready for JSON and YAML; InvalidCluster where Heat has no room."""
    resources = {"Begin": _begin(cluster), "Members": _members(), "Database": _database(cluster)}
    for node in cluster:
        resources |= _node(cluster, node)
    resources["End"] = _end(cluster)
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "A guestagent cluster",
        "Resources": resources,
        "Outputs": dict(_outputs(cluster)),
    }
    _check_room(template)
    return template


def stack_timeout_minutes(cluster: Cluster) -> int:
    """The stack's own timeout, from its critical path: the source is built and proved, then all replicas."""
    stages = 2 if cluster.replicas else 1
    seconds = stages * (SERVER_BUILD + cluster.condition_timeout)
    return -(-seconds // 60)


def _begin(cluster: Cluster) -> Resource:
    """The gate: Heat sleeps a second for each resource without dependencies, so that this is the only one.

    Its metadata keeps what nothing else in the template holds.
    """
    kept = {
        "Version": VERSION,
        "NextServerId": cluster.next_server_id,
        "NextReplica": cluster.next_replica,
        "BootAllowance": cluster.boot_allowance,
        "AuthTtl": cluster.auth_ttl,
    }
    return {
        "Type": "OS::Heat::Value",
        "Properties": {"value": "cluster"},
        "Metadata": {"GuestAgentCluster": kept},
    }


def _end(cluster: Cluster) -> Resource:
    """One resource behind all conditions: deletion starts here, and not with a second's sleep for each."""
    return {
        "Type": "OS::Heat::Value",
        "DependsOn": [node.condition for node in cluster],
        "Properties": {"value": "ready"},
    }


def _members() -> Resource:
    """A group without rules: a group cannot name itself as the origin of its traffic, so that takes two."""
    return {
        "Type": "AWS::EC2::SecurityGroup",
        "DependsOn": "Begin",
        "Properties": {"GroupDescription": "Nodes of the cluster"},
    }


def _database(cluster: Cluster) -> Resource:
    origins: list[Resource] = [{"SourceSecurityGroupId": {"Ref": "Members"}}]
    origins += [{"CidrIp": network} for network in cluster.client_networks]
    port = {"IpProtocol": "tcp", "FromPort": str(PORT), "ToPort": str(PORT)}
    return {
        "Type": "AWS::EC2::SecurityGroup",
        "DependsOn": "Begin",
        "Properties": {
            "GroupDescription": "The database port, between the nodes and from the client networks",
            "SecurityGroupIngress": [{**port, **origin} for origin in origins],
        },
    }


def _node(cluster: Cluster, node: Node) -> dict[str, Resource]:
    after_source = [] if node is cluster.source else [cluster.source.condition]
    resources = _identity(node)
    if cluster.network is not None:
        resources[node.port] = _port(cluster.network)
    resources[node.handle] = {
        "Type": "AWS::CloudFormation::WaitConditionHandle",
        # Keystone counts the life of a handle's URL from its creation: a replica's starts when its source is
        # ready.
        "DependsOn": after_source or "Begin",
    }
    resources[node.name] = _server(cluster, node) | ({"DependsOn": after_source} if after_source else {})
    resources[node.condition] = {
        "Type": "AWS::CloudFormation::WaitCondition",
        "DependsOn": [node.name],  # its clock starts when the server runs
        "Properties": {"Handle": {"Ref": node.handle}, "Timeout": cluster.condition_timeout},
    }
    return resources


def _identity(node: Node) -> dict[str, Resource]:
    """The node's password, and a key of its own: a shared one could read every node's passwords.

    Every node has a password from the start, for roles change and a password must not.
    """
    return {
        node.password: {
            "Type": "OS::Heat::RandomString",
            "DependsOn": "Begin",
            "Properties": {"length": PASSWORD_LENGTH},
        },
        node.policy: {
            "Type": "OS::Heat::AccessPolicy",
            "DependsOn": "Begin",
            "Properties": {"AllowedResources": [node.name]},
        },
        node.user: {"Type": "AWS::IAM::User", "Properties": {"Policies": [{"Ref": node.policy}]}},
        node.access_key: {"Type": "AWS::IAM::AccessKey", "Properties": {"UserName": {"Ref": node.user}}},
    }


def _port(network: str) -> Resource:
    """The origin's server takes a subnet but no network: with a network it gets a port there."""
    return {
        "Type": "OS::Neutron::Port",
        "Properties": {"network": network, "security_groups": [{"Ref": "Members"}, {"Ref": "Database"}]},
    }


def _server(cluster: Cluster, node: Node) -> Resource:
    properties: dict[str, Any] = {"ImageId": node.image, "InstanceType": node.flavor}
    if cluster.key_pair is not None:
        properties["KeyName"] = cluster.key_pair
    if cluster.network is not None:
        properties["NetworkInterfaces"] = [{"Ref": node.port}]
    else:
        properties["SecurityGroupIds"] = [{"Ref": "Members"}, {"Ref": "Database"}]
    if cluster.subnet is not None:
        properties["SubnetId"] = cluster.subnet
    properties["UserData"] = userdata(node, Collecting(cluster.metadata_url, cluster.polling_interval))
    return {"Type": "AWS::EC2::Instance", "Properties": properties, "Metadata": _metadata(cluster, node)}


def _metadata(cluster: Cluster, node: Node) -> dict[str, Any]:
    """The node's document, its functions unresolved; the agent's half of the contract reads it."""
    section: dict[str, Any] = {
        "Version": SECTION_VERSION,
        "Node": node.name,
        "Generation": node.generation,
        "ServerId": node.server_id,
        "Deadline": cluster.deadline,
    }
    document: dict[str, Any] = {"ReadyWaitCondition": {"Ref": node.handle}, "GuestAgent": section}
    if role(cluster, node) is Role.REPLICA:
        address = {"Fn::GetAtt": [cluster.source.name, "PrivateIp"]}
        return document | {"Master": {"Address": address, "Port": PORT, "User": _account(node)}}
    if cluster.replica_network is not None:
        section["Network"] = cluster.replica_network
    users = [_account(replica) for replica in cluster.replicas]
    return document | ({"Users": users} if users else {})


def role(cluster: Cluster, node: Node) -> Role:
    """What the node is in the cluster."""
    return Role.SOURCE if node.name == cluster.source.name else Role.REPLICA


def _account(node: Node) -> dict[str, Any]:
    return {"name": node.account, "password": {"Ref": node.password}}


def _outputs(cluster: Cluster) -> Iterator[tuple[str, Resource]]:
    for node in cluster:
        yield f"{node.name}Address", {"Value": {"Fn::GetAtt": [node.name, "PrivateIp"]}}
        yield f"{node.name}Evidence", {"Value": {"Fn::GetAtt": [node.condition, "Data"]}}


def _check_room(template: dict[str, Any]) -> None:
    problems = Problems()
    at = problems.cursor(template, "cluster")
    if (resources := len(template["Resources"])) > MOST_RESOURCES:
        at.wrong(f"at most {MOST_RESOURCES} resources in a stack", str(resources), "take fewer nodes")
    if (size := len(json.dumps(template))) > MOST_BYTES:
        at.wrong(f"a template of at most {MOST_BYTES} bytes", str(size), "take fewer nodes")
    problems.raise_if_any(InvalidCluster)
