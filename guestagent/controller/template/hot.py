"""A cluster as a template in HOT, Heat's own dialect: the resources have the names that they have in the other one.

The guests follow their metadata by the credentials that Heat gives each server, so there is no user data and no key.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from guestagent.controller.cluster import Cluster
from guestagent.controller.node import Node
from guestagent.controller.passwords import PASSWORD_LENGTH
from guestagent.controller.template.node_metadata import (
    CA_RESOURCE,
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

HOT_VERSION = "2018-08-31"


def render_hot(cluster: Cluster) -> dict[str, Any]:
    """The template, a plain dictionary ready for JSON and YAML; InvalidCluster where Heat has no room."""
    begin = {
        "type": "OS::Heat::Value",
        "properties": {"value": "cluster"},
        "metadata": build_cluster_metadata(cluster),
    }
    resources = {"Begin": begin, "Database": _database(cluster)}
    if cluster.tls is not None and cluster.tls.ca is not None:
        authority = {"type": "OS::Heat::Value", "depends_on": "Begin"}
        resources[CA_RESOURCE] = {**authority, "properties": {"value": str(cluster.tls.ca)}}
    for node in cluster:
        resources |= _node(cluster, node)
    if cluster.replicas:
        resources[HANDLES_RESOURCE] = _value("there", list_handles(cluster))
    resources["End"] = _value("ready", [node.condition for node in cluster])
    template = {
        "heat_template_version": HOT_VERSION,
        "description": "A guestagent cluster",
        **_parameters(cluster),
        "resources": resources,
        "outputs": dict(_outputs(cluster)),
    }
    check_template_size(template, len(resources))
    return template


def _parameters(cluster: Cluster) -> TemplateMapping:
    hidden = {name: {"type": "string", "hidden": True} for name in list_parameters(cluster)}
    return {"parameters": hidden} if hidden else {}


def _value(value: str, after: list[str]) -> TemplateMapping:
    return {"type": "OS::Heat::Value", "depends_on": after, "properties": {"value": value}}


def _database(cluster: Cluster) -> TemplateMapping:
    """One group: unlike the other dialect's, its rule can name the group itself as the origin of the traffic."""
    return {"type": SECURITY_GROUP_TYPE, "depends_on": "Begin", "properties": build_security_group(cluster)}


def _node(cluster: Cluster, node: Node) -> dict[str, TemplateMapping]:
    is_source = node is cluster.source
    resources: dict[str, TemplateMapping] = {}
    if not has_parameters(cluster):
        resources[node.password] = {
            "type": "OS::Heat::RandomString",
            "depends_on": "Begin",
            "properties": {"length": PASSWORD_LENGTH},
        }
    if cluster.network is not None:
        resources[node.port] = {
            "type": "OS::Neutron::Port",
            "properties": {"network": cluster.network, "security_groups": [{"get_resource": "Database"}]},
        }
    resources[node.handle] = {
        "type": "OS::Heat::WaitConditionHandle",
        # Keystone counts the life of a handle's URL from its creation: a replica's starts when its source is
        # ready.
        "depends_on": "Begin" if is_source else [cluster.source.condition],
        "properties": {"signal_transport": "CFN_SIGNAL"},
    }
    resources[node.name] = _server(cluster, node) | ({} if is_source else {"depends_on": [HANDLES_RESOURCE]})
    resources[node.condition] = {
        "type": "OS::Heat::WaitCondition",
        "depends_on": [node.name],  # its clock starts when the server runs
        "properties": {
            "handle": {"get_resource": node.handle},
            "timeout": cluster.condition_timeout,
            "count": 1,
        },
    }
    return resources


def _server(cluster: Cluster, node: Node) -> TemplateMapping:
    properties: dict[str, Any] = {
        "image": node.image,
        "flavor": node.flavor,
        "user_data_format": "SOFTWARE_CONFIG",
        "software_config_transport": "POLL_SERVER_HEAT",
        # There is none, and if Heat's own part of it changes with a release that must replace no server.
        "user_data_update_policy": "IGNORE",
        "flavor_update_policy": "RESIZE",
        # Another image takes the data either way. A rebuilt server would not be sent its user data again, where
        # it finds its credentials; a new one is.
        "image_update_policy": "REPLACE",
    }
    if cluster.key_pair is not None:
        properties["key_name"] = cluster.key_pair
    if cluster.network is not None:
        properties["networks"] = [{"port": {"get_resource": node.port}}]
    else:
        properties["security_groups"] = [{"get_resource": "Database"}]
    if cluster.subnet is not None:
        properties["networks"] = [{"subnet": cluster.subnet}]
    functions = DialectFunctions(
        handle={"get_attr": [node.handle, "signal"]},
        source_address=_address(cluster, cluster.source),
        password=partial(_password, cluster),
        ca={"get_attr": [CA_RESOURCE, "value"]},
    )
    metadata = build_node_metadata(cluster, node, functions)
    return {"type": "OS::Nova::Server", "properties": properties, "metadata": metadata}


def _password(cluster: Cluster, node: Node) -> TemplateMapping:
    if has_parameters(cluster):
        return {"get_param": node.password}
    return {"get_attr": [node.password, "value"]}


def _address(cluster: Cluster, node: Node) -> TemplateMapping:
    """A port has its address before its server runs. Without one, only this attribute asks for no network's name."""
    if cluster.network is not None:
        return {"get_attr": [node.port, "fixed_ips", 0, "ip_address"]}
    return {"get_attr": [node.name, "first_address"]}


def _outputs(cluster: Cluster) -> Iterator[tuple[str, TemplateMapping]]:
    for node in cluster:
        yield f"{node.name}Address", {"value": _address(cluster, node)}
        yield f"{node.name}Evidence", {"value": {"get_attr": [node.condition, "data"]}}
