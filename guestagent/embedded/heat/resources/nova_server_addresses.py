"""A server's addresses as HOT's attributes show them: by the network's name, and the same again by its id."""

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
    """The addresses alone."""
    found = [port.address for port in ports]
    return {NETWORK_NAME: found, NETWORK_ID: list(found)}


def format_addresses(ports: Sequence[Port], network: IpNetwork) -> dict[str, list[dict[str, object]]]:
    """The addresses with their ports, subnets and network."""
    found: list[dict[str, object]] = [
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
    return {NETWORK_NAME: found, NETWORK_ID: list(found)}
