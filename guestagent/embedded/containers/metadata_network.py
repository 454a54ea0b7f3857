"""The network namespace of the metadata service: beside the guests on their bridge, as that of Neutron's DHCP agent."""

from __future__ import annotations

import sys
from ipaddress import IPv4Interface
from pathlib import Path

from guestagent.embedded.containers.dhcp import METADATA_ADDRESS
from guestagent.embedded.containers.guest_removal import kill_guest
from guestagent.embedded.guests import namespace_processes, network
from guestagent.embedded.guests.boot_process import BootProcess
from guestagent.embedded.host import commands
from guestagent.embedded.host.ip_network import build_mac_address
from guestagent.errors import CloudError, UnsupportedEnvironment
from guestagent.retry import Clock

SERVICE_ID = "metadata-service"  # where a guest's id stands in the names of links; a Nova id is never one
LOG_FILE = "metadata.log"
SERVER_MODULE = "guestagent.embedded.containers.metadata_server"
START_TIMEOUT_S = 30


def open_metadata_network(state: Path, bridge: str, gateway: str, prefix: int) -> BootProcess:
    """Create the namespace and start the service in it; return when it answers."""
    if ":" in gateway:
        raise UnsupportedEnvironment(
            "the metadata service needs guests with IPv4: take a config drive for IPv6"
        )
    interface = IPv4Interface(f"{gateway}/{prefix}")
    address = str(interface.ip + 1)
    names = network.connect_service(
        bridge, SERVICE_ID, build_mac_address(address), (f"{address}/{prefix}", f"{METADATA_ADDRESS}/32")
    )
    namespace = namespace_processes.NAMESPACE_FOLDER / names.namespace
    arguments = (str(state), str(interface.network), gateway, address)
    argv = ("nsenter", f"--net={namespace}", "--", sys.executable, "-m", SERVER_MODULE, *arguments)
    process = BootProcess(argv, state / LOG_FILE)
    if not process.wait_until_up(START_TIMEOUT_S):
        reason = commands.find_last_line((state / LOG_FILE).read_text(errors="replace"))
        raise CloudError(f"the metadata service did not start: {reason or 'no output'}")
    return process


def close_metadata_network(bridge: str, clock: Clock) -> None:
    """End the service and remove its namespace; nothing happens if there is none."""
    kill_guest(bridge, SERVICE_ID, clock)
    network.disconnect_guest(bridge, SERVICE_ID)
