"""The objects of Neutron as its answers show them."""

from __future__ import annotations

from collections.abc import Mapping

from guestagent.embedded.host.ip_network import find_guest_pool
from guestagent.embedded.openstack.keystone.demo_project import PROJECT_NAME
from guestagent.embedded.openstack.neutron.network import (
    NETWORK_ID,
    NETWORK_NAME,
    SUBNET_ID,
    SUBNET_NAME,
    NeutronNetwork,
    Port,
    SecurityGroup,
    SecurityGroupRule,
)
from guestagent.embedded.openstack.neutron.rule_attributes import normalize_prefix

View = Mapping[str, object]
OWNER: View = {"tenant_id": PROJECT_NAME, "project_id": PROJECT_NAME}
PORT_SETTINGS: View = {
    "admin_state_up": True,
    "allowed_address_pairs": [],
    "binding:vnic_type": "normal",
    "extra_dhcp_opts": [],
    "port_security_enabled": True,
}
RULE_KEYS = (
    *("security_group_id", "direction", "ethertype", "protocol", "port_range_min", "port_range_max"),
    *("remote_ip_prefix", "remote_group_id", "remote_address_group_id", "description"),
)


def format_network() -> View:
    """Format the one network."""
    return {
        "id": NETWORK_ID,
        "name": NETWORK_NAME,
        **OWNER,
        "subnets": [SUBNET_ID],
        "status": "ACTIVE",
        "admin_state_up": True,
        "shared": True,
        "router:external": False,
    }


def format_subnet(networking: NeutronNetwork) -> View:
    """Format its subnet."""
    start, end = find_guest_pool(networking.network)
    return {
        "id": SUBNET_ID,
        "name": SUBNET_NAME,
        **OWNER,
        "network_id": NETWORK_ID,
        "cidr": str(networking.network),
        "ip_version": networking.network.version,
        "gateway_ip": networking.gateway,
        "enable_dhcp": False,
        "allocation_pools": [{"start": start, "end": end}],
    }


def format_port(port: Port) -> View:
    """Format a port."""
    return {
        "id": port.id,
        "name": port.name,
        "description": port.description,
        **OWNER,
        "network_id": NETWORK_ID,
        "fixed_ips": [{"subnet_id": SUBNET_ID, "ip_address": port.address}],
        "mac_address": port.mac,
        "security_groups": port.groups,
        "device_id": port.server_id,
        "device_owner": "compute:nova" if port.server_id else "",
        "status": "ACTIVE" if port.server_id else "DOWN",
        **PORT_SETTINGS,
        **port.settings,
        **port.revision.format(),
    }


def format_group(group: SecurityGroup) -> View:
    """Format a security group with its rules."""
    return {
        "id": group.id,
        "name": group.name,
        "description": group.description,
        **OWNER,
        "stateful": group.is_stateful,
        "shared": False,
        "security_group_rules": [format_rule(rule) for rule in group.rules],
        **group.revision.format(),
    }


def format_rule(rule: SecurityGroupRule) -> View:
    """Format a rule of a security group."""
    shown = {key: rule.attributes.get(key) for key in RULE_KEYS}
    normal = normalize_prefix(rule.attributes["remote_ip_prefix"])
    return {
        "id": rule.id,
        **OWNER,
        **shown,
        "normalized_cidr": normal,
        **rule.revision.format_without_tags(),
    }


PORT_KEYS = frozenset(format_port(Port("192.0.2.1")))
"""Those of a port, also when there is none."""
