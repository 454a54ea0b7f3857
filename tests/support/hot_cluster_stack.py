"""A cluster as a HOT template, and the signals and boot metadata of its nodes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from email import message_from_bytes
from typing import Any

import requests

from guestagent.embedded import Serving
from tests.support.heat_requests import Document, HeatRequests, get_fake_hypervisor


def build_template(*replicas: str, generation: int = 1, **options: str) -> Document:
    """A template as the controller renders it, at its smallest; a new one at every call."""
    suffix = "" if generation == 1 else str(generation)
    users = [
        {"name": name.lower(), "password": {"get_attr": [f"{name}Password", "value"]}} for name in replicas
    ]
    source: Document = {"Users": users, "GuestAgent": {"Generation": generation}}
    resources: Document = {
        "Begin": {"type": "OS::Heat::Value", "properties": {"value": "cluster"}},
        **build_groups(),
    }
    for name in replicas:
        resources[f"{name}Password"] = {
            "type": "OS::Heat::RandomString",
            "depends_on": "Begin",
            "properties": {"length": 30},
        }
    resources.update(build_node("Master0000", suffix, source, options))
    for name in replicas:
        address = {"get_attr": ["Master0000Port", "fixed_ips", 0, "ip_address"]}
        user = {"name": name.lower(), "password": {"get_attr": [f"{name}Password", "value"]}}
        node_resources = build_node(name, "", {"Master": {"Address": address, "User": user}}, options)
        node_resources[name]["depends_on"] = f"Master0000ReadyWaitCond{suffix}"
        resources.update(node_resources)
    return {
        "heat_template_version": "2018-08-31",
        "resources": resources,
        "outputs": {
            "Address": {"value": {"get_attr": ["Master0000", "networks", "embedded", 0]}},
            "Evidence": {"value": {"get_attr": [f"Master0000ReadyWaitCond{suffix}", "data"]}},
        },
    }


def build_groups() -> dict[str, Document]:
    """One group that lets its own members in, and a rule that lets in others."""
    port = {"protocol": "tcp", "port_range_min": 3306, "port_range_max": 3306}
    return {
        "Database": {
            "type": "OS::Neutron::SecurityGroup",
            "depends_on": "Begin",
            "properties": {"description": "d", "rules": [{**port, "remote_mode": "remote_group_id"}]},
        },
        "Clients": {
            "type": "OS::Neutron::SecurityGroupRule",
            "properties": {
                **port,
                "security_group": {"get_resource": "Database"},
                "remote_ip_prefix": "10.0.0.0/8",
            },
        },
    }


def build_node(name: str, suffix: str, metadata: Document, options: Mapping[str, str]) -> dict[str, Document]:
    handle = f"{name}ReadyWaitCondHandle{suffix}"
    return {
        handle: {
            "type": "OS::Heat::WaitConditionHandle",
            "depends_on": "Begin",
            "properties": {"signal_transport": "CFN_SIGNAL"},
        },
        f"{name}Port": {
            "type": "OS::Neutron::Port",
            "properties": {"network": "embedded", "security_groups": [{"get_resource": "Database"}]},
        },
        name: {
            "type": "OS::Nova::Server",
            "properties": {
                "image": "guestagent-mariadb",
                "flavor": options.get("flavor", "m1.small"),
                "networks": [{"port": {"get_resource": f"{name}Port"}}],
                "user_data": options.get("user_data", ""),
                "user_data_format": "SOFTWARE_CONFIG",
                "software_config_transport": options.get("polling", "POLL_SERVER_HEAT"),
                "user_data_update_policy": "IGNORE",
                "flavor_update_policy": options.get("flavor_policy", "RESIZE"),
                "image_update_policy": "REPLACE",
            },
            "metadata": {"ReadyWaitCondition": {"get_attr": [handle, "signal"]}, **metadata},
        },
        f"{name}ReadyWaitCond{suffix}": {
            "type": "OS::Heat::WaitCondition",
            "depends_on": name,
            "properties": {"handle": {"get_resource": handle}, "timeout": 60},
        },
    }


def create_ready_stack(cloud: Serving, heat: HeatRequests, template: Document) -> None:
    """Create the stack and signal for every node in turn."""
    heat.create("prod", template)
    resources = template["resources"]
    assert isinstance(resources, dict)
    for name in [key for key in resources if key.endswith("ReadyWaitCond")]:
        heat.wait_for_resource("prod", name, "CREATE_IN_PROGRESS")
        [url] = json.loads(
            read_boot_metadata(cloud, name.removesuffix("ReadyWaitCond"))["ReadyWaitCondition"]
        ).values()
        assert requests.put(url, data='{"data": "proof"}', timeout=5).status_code == 200
    heat.wait("prod", "CREATE_COMPLETE")


def read_boot_metadata(cloud: Serving, build_node: str) -> dict[str, Any]:
    """Return the metadata at boot, from a node's user data."""
    [guest] = [
        guest
        for guest in get_fake_hypervisor(cloud).guests.values()
        if guest.name.split("-")[1] == build_node
    ]
    for part in message_from_bytes(guest.user_data).walk():
        payload = part.get_payload(decode=True)
        if part.get_filename() == "cfn-init-data" and isinstance(payload, bytes):
            metadata: dict[str, Any] = json.loads(payload)
            return metadata
    raise AssertionError(f"{build_node} was booted without metadata")
