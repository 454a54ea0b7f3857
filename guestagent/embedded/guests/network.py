"""The network of guests: a bridge with the gateway's address, and a named network namespace for each guest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from guestagent.embedded.guests import namespace_processes
from guestagent.embedded.host import commands
from guestagent.embedded.host.ip_network import build_mac_address
from guestagent.embedded.openstack.nova.hypervisor import Guest
from guestagent.errors import CloudError, GuestAgentError


@dataclass(frozen=True, slots=True)
class LinkNames:
    """The names of a guest's namespace and of its link's end on this machine; the other end is its eth0."""

    namespace: str
    host_link: str


def build_link_names(bridge: str, guest_id: str) -> LinkNames:
    """Build names that no other guest of any bridge has, within the kernel's 15 characters."""
    digest = hashlib.sha256(f"{bridge}/{guest_id}".encode()).hexdigest()[:10]
    return LinkNames(namespace=f"guestagent-{digest}", host_link=f"ga{digest}")


def connect_guest(bridge: str, guest: Guest) -> None:
    """Create the guest's namespace and link, with its address."""
    create_link(bridge, guest)
    namespace = build_link_names(bridge, guest.id).namespace
    guest_commands = (
        f"address add {_format_address(guest.address, guest.prefix, 'eth0')}",
        "link set eth0 up",
        f"route add default via {guest.gateway}",
    )
    _run_ip_batch(f"addressing guest {guest.name}", guest_commands, "-n", namespace)


def create_link(bridge: str, guest: Guest) -> None:
    """Create the namespace and its link, without an address: eth0 is what a machine's new network card is.

    The MAC follows from the IP address, so a successor is reached at once. CloudError for a guest without an address.
    """
    if not guest.address:
        raise CloudError(f"guest {guest.name} has no network: a guest here needs one")
    _create_namespace(f"wiring guest {guest.name}", bridge, guest.id, build_mac_address(guest.address))


def connect_service(bridge: str, service_id: str, mac: str, addresses: Sequence[str]) -> LinkNames:
    """Create the namespace of a service beside the guests, with these addresses."""
    description = f"wiring {service_id}"
    names = _create_namespace(description, bridge, service_id, mac)
    guest_commands = (*(f"address add {address} dev eth0" for address in addresses), "link set eth0 up")
    _run_ip_batch(description, guest_commands, "-n", names.namespace)
    return names


def _create_namespace(description: str, bridge: str, guest_id: str, mac: str) -> LinkNames:
    names = build_link_names(bridge, guest_id)
    host_commands = (
        f"netns add {names.namespace}",
        f"link add {names.host_link} type veth peer name eth0 address {mac} netns {names.namespace}",
        f"link set {names.host_link} master {bridge} up",
    )
    _run_ip_batch(description, host_commands)
    _run_ip_batch(description, ("link set lo up",), "-n", names.namespace)
    return names


def disconnect_guest(bridge: str, guest_id: str) -> None:
    """Remove namespace and link. Nothing may run in the namespace any more: without the name it could not be found."""
    names = build_link_names(bridge, guest_id)
    commands_to_run = [f"link delete {names.host_link}"] if _show_link(names.host_link) else []
    if is_connected(bridge, guest_id):
        commands_to_run.append(f"netns delete {names.namespace}")
    if commands_to_run:
        _run_ip_batch(f"unwiring guest {guest_id}", commands_to_run)


def is_connected(bridge: str, guest_id: str) -> bool:
    """Whether the guest has its network namespace."""
    return (namespace_processes.NAMESPACE_FOLDER / build_link_names(bridge, guest_id).namespace).exists()


def build_owner_tag(state: Path) -> str:
    """Return the alias of the bridge of the cloud that has this state folder."""
    return f"guestagent {state.resolve()}"


def create_bridge(bridge: str, owner: str, gateway: str, prefix: int) -> None:
    """Create the bridge. Its alias names the owner; a bridge of another owner is rejected.

    It has its own MAC: the default is the lowest of its links', and if that link goes all guests lose the gateway.
    """
    link = _show_link(bridge)
    if link is None:
        _run_ip_batch(
            f"making bridge {bridge}",
            (f"link add {bridge} address {build_mac_address(gateway)} type bridge",),
        )
    elif link.get("ifalias") != owner:
        raise CloudError(f"a link {bridge} exists and is not of this embedded cloud: choose another name")
    address = f"address replace {_format_address(gateway, prefix, bridge)}"
    try:
        # Not in a batch: the owner is a path, in which a quote or a # would mean something there.
        commands.run_checked(f"marking bridge {bridge}", ("ip", "link", "set", bridge, "alias", owner))
        _run_ip_batch(f"addressing bridge {bridge}", (address, f"link set {bridge} up"))
    except GuestAgentError:
        _run_ip_batch(f"removing bridge {bridge}", (f"link delete {bridge}",))
        raise


def remove_bridge(bridge: str, owner: str) -> None:
    """Remove the bridge, if `owner` made it."""
    link = _show_link(bridge)
    if link and link.get("ifalias") == owner:
        _run_ip_batch(f"removing bridge {bridge}", (f"link delete {bridge}",))


def _format_address(address: str, prefix: int, device: str) -> str:
    """Format an address. For IPv6 without duplicate detection: until that ends no process can listen on the address."""
    return f"{address}/{prefix} dev {device}" + (" nodad" if ":" in address else "")


def _show_link(name: str) -> dict[str, object] | None:
    completed = commands.run_command(("ip", "-json", "link", "show", "dev", name))
    links = json.loads(completed.stdout) if completed.returncode == 0 and completed.stdout.strip() else []
    return links[0] if links else None


def _run_ip_batch(description: str, lines: Sequence[str], *options: str) -> None:
    completed = commands.run_command(("ip", *options, "-batch", "-"), stdin="\n".join(lines) + "\n")
    if completed.returncode:
        errors = [line for line in completed.stderr.splitlines() if not line.startswith("Command failed")]
        raise CloudError(f"{description}: {'; '.join(errors) or 'ip failed'}")
