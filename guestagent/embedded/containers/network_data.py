"""network_data.json as Nova makes it for a subnet without DHCP."""

from __future__ import annotations

from ipaddress import ip_interface, ip_network

from guestagent.embedded.host.identifiers import build_fixed_id
from guestagent.embedded.host.ip_network import build_mac_address
from guestagent.embedded.openstack.neutron.network import NETWORK_ID
from guestagent.embedded.openstack.nova.hypervisor import Guest

MTU = 1500


def build_network_data(guest: Guest) -> dict[str, object]:
    """Build the description of the guest's one link and its address."""
    port_id = build_fixed_id("port", guest.id)
    link = {
        "id": f"tap{port_id[:11]}",
        "vif_id": port_id,
        "type": "bridge",
        "mtu": MTU,
        "ethernet_mac_address": build_mac_address(guest.address),
    }
    interface = ip_interface(f"{guest.address}/{guest.prefix}")
    everything = ip_network("::/0" if interface.version == 6 else "0.0.0.0/0")
    default_route = {
        "network": str(everything.network_address),
        "netmask": str(everything.netmask),
        "gateway": guest.gateway,
    }
    network = {
        "id": "network0",
        "type": f"ipv{interface.version}",
        "link": link["id"],
        "network_id": NETWORK_ID,
        "ip_address": guest.address,
        "netmask": str(interface.netmask),
        "routes": [default_route],
        "services": [],
    }
    return {"links": [link], "networks": [network], "services": []}
