"""Neutron's requests for ports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guestagent.embedded.host.ip_network import is_host_address
from guestagent.embedded.http.errors import ApiError, HTTPBadRequest, ResourceFailure
from guestagent.embedded.openstack.neutron.attributes import (
    REQUIRED,
    Attribute,
    read_anything,
    read_change,
    read_creation,
    read_fixed_ips,
    read_flag,
    read_id,
    read_ids,
    read_mac_address,
    read_text,
)
from guestagent.embedded.openstack.neutron.errors import (
    InvalidIpForNetwork,
    IpAddressAlreadyAllocated,
    IpAddressGenerationFailure,
    NetworkNotFound,
    SubnetNotFound,
)
from guestagent.embedded.openstack.neutron.network import NETWORK_ID, SUBNET_ID, NeutronNetwork, Port
from guestagent.embedded.openstack.neutron.views import PORT_SETTINGS

PORT_ATTRIBUTES: Mapping[str, Attribute] = {
    "name": Attribute(read_text, ""),
    "network_id": Attribute(read_id, REQUIRED, can_be_changed=False),
    "admin_state_up": Attribute(read_flag),
    "mac_address": Attribute(read_mac_address),
    "fixed_ips": Attribute(read_fixed_ips),
    "device_id": Attribute(read_text, ""),
    "device_owner": Attribute(read_text),
    "tenant_id": Attribute(read_text, can_be_changed=False),
    "project_id": Attribute(read_text, can_be_changed=False),
    "description": Attribute(read_text, ""),
    "security_groups": Attribute(read_ids),
    "port_security_enabled": Attribute(read_flag),
    "allowed_address_pairs": Attribute(read_anything),
    "extra_dhcp_opts": Attribute(read_anything),
    "binding:vnic_type": Attribute(read_text),
}
PORT_SHOWN = frozenset({"id", "status", "tags", "revision_number", "created_at", "updated_at"})


def create_port(networking: NeutronNetwork, body: Mapping[str, Any]) -> Port:
    """Create a port as a request describes it."""
    values = read_creation(body, PORT_ATTRIBUTES, PORT_SHOWN)
    _refuse_hardware_address(values)
    groups = values.get("security_groups", [networking.default_group.id])
    address = _find_address(values)
    # A port over the quota is refused before anything else.
    if len(networking.ports) < networking.quota.ports and values["network_id"] != NETWORK_ID:
        raise NetworkNotFound(values["network_id"])
    _check_subnets(values)
    try:
        port = networking.add_port(values["name"], groups, address)
    except ResourceFailure as error:
        raise _build_address_refusal(networking, address) from error
    port.server_id, port.description = values["device_id"], values["description"]
    port.settings = _select_settings(values)
    return port


def change_port(networking: NeutronNetwork, port: Port, body: Mapping[str, Any]) -> None:
    """Change a port as a request describes it."""
    values = read_change(body, PORT_ATTRIBUTES, PORT_SHOWN)
    _refuse_hardware_address(values)
    groups = [networking.find_group(group).id for group in values.get("security_groups", port.groups)]
    _check_subnets(values)
    _change_address(networking, port, _find_address(values))
    port.groups = groups
    port.name = values.get("name", port.name)
    port.description = values.get("description", port.description)
    port.server_id = values.get("device_id", port.server_id)
    port.settings = {**port.settings, **_select_settings(values)}
    port.revision.bump()


def _change_address(networking: NeutronNetwork, port: Port, address: str | None) -> None:
    if address in (None, port.address):
        return
    if port.server_id:
        raise HTTPBadRequest("Another address for the port of a server is not supported by this imitation.")
    try:
        networking.move_port(port, str(address))
    except ResourceFailure as error:
        raise _build_address_refusal(networking, address) from error


def _check_subnets(values: Mapping[str, Any]) -> None:
    """Raise SubnetNotFound for another subnet than that of the network."""
    for each in values.get("fixed_ips", ()):
        if each.get("subnet_id", SUBNET_ID) != SUBNET_ID:
            raise SubnetNotFound(each["subnet_id"])


def _find_address(values: Mapping[str, Any]) -> str | None:
    """Return the one address that is asked for."""
    addresses = [each["ip_address"] for each in values.get("fixed_ips", ()) if "ip_address" in each]
    if len(addresses) > 1:
        raise HTTPBadRequest("Two addresses of a port are not supported by this imitation.")
    return addresses[0] if addresses else None


def _refuse_hardware_address(values: Mapping[str, Any]) -> None:
    if "mac_address" in values:
        raise HTTPBadRequest("A MAC address of a client's choice is not supported by this imitation.")


def _select_settings(values: Mapping[str, Any]) -> dict[str, object]:
    return {name: values[name] for name in PORT_SETTINGS if name in values}


def _build_address_refusal(networking: NeutronNetwork, address: str | None) -> ApiError:
    if address is None:
        return IpAddressGenerationFailure(f"No more IP addresses available on network {NETWORK_ID}.")
    if is_host_address(address, networking.network):
        return IpAddressAlreadyAllocated(f"IP address {address} already allocated in subnet {SUBNET_ID}")
    return InvalidIpForNetwork(
        f"IP address {address} is not a valid IP for any of the subnets on the specified network."
    )
