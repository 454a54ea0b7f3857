"""Renders a cluster as a HOT template. The resources have the same names as in CloudFormation.

The guests read their metadata with the credentials that Heat gives each server, so there is no user data and no key.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from guestagent.controller.cluster import Cluster
from guestagent.controller.node import Node
from guestagent.controller.node_volume import StackVolume
from guestagent.controller.passwords import PASSWORD_LENGTH
from guestagent.controller.template.handle_order import (
    HANDLES_RESOURCE,
    list_handle_dependencies,
    list_handles,
    list_server_dependencies,
)
from guestagent.controller.template.node_metadata import (
    CA_RESOURCE,
    build_cluster_metadata,
    build_node_metadata,
    has_parameters,
    is_parameter,
    list_parameters,
    list_special_passwords,
)
from guestagent.controller.template.node_values import DialectFunctions, TemplateMapping
from guestagent.controller.template.security_group import build_groups, list_client_rules, list_groups
from guestagent.controller.template.seeding_metadata import (
    DONOR_CERTIFICATE_RESOURCE,
    DONOR_RULE_TYPE,
    has_expiring_url,
    list_rules,
)
from guestagent.controller.template.stack_limits import check_template_size
from guestagent.controller.template.volume_resources import build_server_properties, build_volume

HOT_VERSION = "2018-08-31"


def render_hot(cluster: Cluster) -> dict[str, Any]:
    """Return the template, a plain dictionary for JSON or YAML. Raise InvalidCluster if it is too large for Heat."""
    begin = {
        "type": "OS::Heat::Value",
        "properties": {"value": "cluster"},
        "metadata": build_cluster_metadata(cluster),
    }
    resources = {"Begin": begin, **build_groups(cluster)}
    if cluster.tls is not None and cluster.tls.ca is not None:
        resources[CA_RESOURCE] = _build_value(str(cluster.tls.ca), "Begin")
    if not has_parameters(cluster):
        resources |= {name: _build_password() for name in list_special_passwords(cluster)}
    resources |= _build_donor_resources(cluster)
    for node in cluster:
        resources |= _build_node(cluster, node)
    if cluster.replicas:
        resources[HANDLES_RESOURCE] = _build_value("there", list_handles(cluster))
    # Deletion starts at this resource; otherwise Heat would sleep one second for each condition and rule.
    ends = [*(node.condition for node in cluster), *list_client_rules(cluster)]
    resources["End"] = _build_value("ready", ends)
    template = {
        "heat_template_version": HOT_VERSION,
        "description": "A guestagent cluster",
        **_build_parameters(cluster),
        "resources": resources,
        "outputs": dict(_build_outputs(cluster)),
    }
    check_template_size(template, len(resources))
    return template


def _build_parameters(cluster: Cluster) -> TemplateMapping:
    parameters = {name: {"type": "string", "hidden": True} for name in list_parameters(cluster)}
    return {"parameters": parameters} if parameters else {}


def _build_donor_resources(cluster: Cluster) -> dict[str, TemplateMapping]:
    """Build what the source needs as a donor."""
    resources = {
        name: {"type": DONOR_RULE_TYPE, "properties": rule}
        for name, rule in list_rules(
            cluster, {"get_resource": cluster.group.resource}, {"get_resource": cluster.group.resource}
        ).items()
    }
    if cluster.donor_certificate is not None:
        resources[DONOR_CERTIFICATE_RESOURCE] = _build_value(cluster.donor_certificate, "Begin")
    return resources


def _build_password() -> TemplateMapping:
    return {
        "type": "OS::Heat::RandomString",
        "depends_on": "Begin",
        "properties": {"length": PASSWORD_LENGTH},
    }


def _build_value(value: str, dependencies: list[str] | str) -> TemplateMapping:
    return {"type": "OS::Heat::Value", "depends_on": dependencies, "properties": {"value": value}}


def _build_node(cluster: Cluster, node: Node) -> dict[str, TemplateMapping]:
    resources: dict[str, TemplateMapping] = {}
    if not is_parameter(cluster, node.password):
        resources[node.password] = _build_password()
    if cluster.network is not None:
        resources[node.port] = {
            "type": "OS::Neutron::Port",
            "properties": {"network": cluster.network, "security_groups": list_groups(cluster)},
        }
    if isinstance(node.volume, StackVolume):
        resources[node.volume_resource] = build_volume(node, node.volume)
    resources[node.handle] = {
        "type": "OS::Heat::WaitConditionHandle",
        "depends_on": list_handle_dependencies(cluster, node),
        "properties": {"signal_transport": _choose_transport(cluster, node)},
    }
    dependencies = list_server_dependencies(cluster, node)
    resources[node.name] = _build_server(cluster, node) | (
        {"depends_on": dependencies} if dependencies else {}
    )
    resources[node.condition] = {
        "type": "OS::Heat::WaitCondition",
        "depends_on": [node.name],  # its time begins when the server runs
        "properties": {
            "handle": {"get_resource": node.handle},
            "timeout": cluster.get_condition_timeout(node),
            "count": 1,
        },
    }
    return resources


def _build_server(cluster: Cluster, node: Node) -> TemplateMapping:
    properties: dict[str, Any] = {
        "image": node.image,
        "flavor": node.flavor,
        "user_data_format": "SOFTWARE_CONFIG",
        "software_config_transport": "POLL_SERVER_HEAT",
        # If a release of Heat changes its own part of the user data, that must not replace a server.
        "user_data_update_policy": "IGNORE",
        "flavor_update_policy": "RESIZE",
        # Another image loses the data in any case. A rebuilt server does not get its user data again, which contains
        # its credentials; a new server does.
        "image_update_policy": "REPLACE",
    }
    if cluster.key_pair is not None:
        properties["key_name"] = cluster.key_pair
    if node.zone is not None:
        properties["availability_zone"] = node.zone
    if cluster.network is not None:
        properties["networks"] = [{"port": {"get_resource": node.port}}]
    else:
        properties["security_groups"] = list_groups(cluster)
    if cluster.subnet is not None:
        properties["networks"] = [{"subnet": cluster.subnet}]
    volume_id: TemplateMapping | None = None
    if isinstance(node.volume, StackVolume):
        properties |= build_server_properties(node, node.volume)
        volume_id = {"get_resource": node.volume_resource}
    functions = DialectFunctions(
        handle={"get_attr": [node.handle, "signal"]},
        source_address=_get_address(cluster, cluster.source) if isinstance(cluster.source, Node) else None,
        password=partial(_get_password, cluster),
        parameter=lambda name: {"get_param": name},
        value=lambda name: {"get_attr": [name, "value"]},
        volume_id=volume_id,
    )
    metadata = build_node_metadata(cluster, node, functions)
    return {"type": "OS::Nova::Server", "properties": properties, "metadata": metadata}


def _choose_transport(cluster: Cluster, node: Node) -> str:
    """Choose how the node signals: by a signed URL, which confirms the signal, unless that expires too early."""
    return "HEAT_SIGNAL" if has_expiring_url(cluster, node) else "CFN_SIGNAL"


def _get_password(cluster: Cluster, name: str) -> TemplateMapping:
    return {"get_param": name} if is_parameter(cluster, name) else {"get_attr": [name, "value"]}


def _get_address(cluster: Cluster, node: Node) -> TemplateMapping:
    """Return the node's address. A port has one before its server runs; without a port only this attribute works."""
    if cluster.network is not None:
        return {"get_attr": [node.port, "fixed_ips", 0, "ip_address"]}
    return {"get_attr": [node.name, "first_address"]}


def _build_outputs(cluster: Cluster) -> Iterator[tuple[str, TemplateMapping]]:
    for node in cluster:
        yield f"{node.name}Address", {"value": _get_address(cluster, node)}
        yield f"{node.name}Evidence", {"value": {"get_attr": [node.condition, "data"]}}
