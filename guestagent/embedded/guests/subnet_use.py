"""Whether a subnet is free on this machine. Two bridges with one subnet would take each other's packets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from ipaddress import ip_interface
from typing import Any

from guestagent.embedded.host import commands
from guestagent.embedded.host.ip_network import IpNetwork
from guestagent.errors import CloudError


def check_subnet(bridge: str, network: IpNetwork) -> None:
    """Raise CloudError if a link other than the cloud's own bridge has an address in the network, or around it."""
    links = json.loads(commands.run_checked("listing addresses", ("ip", "-json", "address", "show")) or "[]")
    users = tuple(find_subnet_users(links, bridge, network))
    if users:
        raise CloudError(
            f"the subnet {network} is in use: {', '.join(users)}; choose another with --subnet, or end the cloud that "
            "has it"
        )


def find_subnet_users(links: list[dict[str, Any]], bridge: str, network: IpNetwork) -> Iterator[str]:
    """Find the links whose networks overlap, in the output of `ip -json address show`. Pure."""
    for link in links:
        for address in link.get("addr_info", ()):
            interface = ip_interface(f"{address['local']}/{address['prefixlen']}")
            is_same_version = interface.version == network.version
            if link["ifname"] != bridge and is_same_version and interface.network.overlaps(network):
                owner = f" of {link['ifalias']}" if link.get("ifalias") else ""
                yield f"{interface} at {link['ifname']}{owner}"
