"""A server's addresses in HOT's attributes: by the network's name, and the same again by its id."""

from __future__ import annotations

from collections.abc import Sequence

from guestagent.embedded.host.ip_network import IpNetwork
from guestagent.embedded.openstack.neutron.network import (
    NETWORK_ID,
    NETWORK_NAME,
    SUBNET_ID,
    SUBNET_NAME,
    Port,
)


def format_networks(ports: Sequence[Port]) -> dict[str, list[str]]:
    """Format the addresses alone."""
    addresses = [port.address for port in ports]
    return {NETWORK_NAME: addresses, NETWORK_ID: list(addresses)}


def format_addresses(ports: Sequence[Port], network: IpNetwork) -> dict[str, list[dict[str, object]]]:
    """Format the addresses with their ports, subnets and network."""
    addresses: list[dict[str, object]] = [
        {
            "addr": port.address,
            "version": network.version,
            "OS-EXT-IPS-MAC:mac_addr": port.mac,
            "OS-EXT-IPS:type": "fixed",
            "port": port.id,
            "subnets": [
                {"id": SUBNET_ID, "name": SUBNET_NAME, "cidr": str(network), "ip_version": network.version}
            ],
            "network": {"id": NETWORK_ID, "name": NETWORK_NAME},
        }
        for port in ports
    ]
    return {NETWORK_NAME: addresses, NETWORK_ID: list(addresses)}
