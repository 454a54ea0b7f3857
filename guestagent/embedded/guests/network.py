"""The wires: a bridge that has the gateway's address, and a named network namespace on it per guest."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from guestagent.embedded.guests import namespace_processes
from guestagent.embedded.host import commands
from guestagent.embedded.host.ip_network import build_mac_address
from guestagent.embedded.openstack.nova.hypervisor import Guest
from guestagent.errors import CloudError, GuestAgentError


@dataclass(frozen=True, slots=True)
class LinkNames:
    """The names of one guest's namespace and of the link's end on this machine; the other end is its eth0."""

    namespace: str
    host_link: str


def build_link_names(bridge: str, guest_id: str) -> LinkNames:
    """Names that no other guest of any bridge has, and that fit the kernel's 15 characters."""
    handle = hashlib.sha256(f"{bridge}/{guest_id}".encode()).hexdigest()[:10]
    return LinkNames(namespace=f"guestagent-{handle}", host_link=f"ga{handle}")


def connect_guest(bridge: str, guest: Guest) -> None:
    """Make the namespace and its wire. The MAC follows the IP address: a successor is reached at once."""
    its = build_link_names(bridge, guest.id)
    outside = (
        f"netns add {its.namespace}",
        f"link add {its.host_link} type veth peer name eth0 address {build_mac_address(guest.address)} "
        f"netns {its.namespace}",
        f"link set {its.host_link} master {bridge} up",
    )
    inside = (
        "link set lo up",
        f"address add {_addressing(guest.address, guest.prefix, 'eth0')}",
        "link set eth0 up",
        f"route add default via {guest.gateway}",
    )
    _ip(f"wiring guest {guest.name}", outside)
    _ip(f"addressing guest {guest.name}", inside, "-n", its.namespace)


def disconnect_guest(bridge: str, guest_id: str) -> None:
    """Nothing may run in the namespace any more: what did would live on without a name to find it by."""
    its = build_link_names(bridge, guest_id)
    gone = [f"link delete {its.host_link}"] if _link(its.host_link) else []
    if is_connected(bridge, guest_id):
        gone.append(f"netns delete {its.namespace}")
    if gone:
        _ip(f"unwiring guest {guest_id}", gone)


def is_connected(bridge: str, guest_id: str) -> bool:
    """Whether the guest has its network namespace."""
    return (namespace_processes.NAMESPACE_FOLDER / build_link_names(bridge, guest_id).namespace).exists()


def create_bridge(bridge: str, owner: str, gateway: str, prefix: int) -> None:
    """The bridge says in its alias whose it is; one that is somebody else's is refused.

    Its MAC is its own: otherwise it has the lowest of its wires', and when that guest goes all others send to nobody.
    """
    seen = _link(bridge)
    if seen is None:
        _ip(
            f"making bridge {bridge}",
            (f"link add {bridge} address {build_mac_address(gateway)} type bridge",),
        )
    elif seen.get("ifalias") != owner:
        raise CloudError(f"a link {bridge} exists and is not of this embedded cloud: choose another name")
    address = f"address replace {_addressing(gateway, prefix, bridge)}"
    try:
        # Not in a batch: the owner is a path, in which a quote or a # would mean something there.
        commands.run_checked(f"marking bridge {bridge}", ("ip", "link", "set", bridge, "alias", owner))
        _ip(f"addressing bridge {bridge}", (address, f"link set {bridge} up"))
    except GuestAgentError:
        _ip(f"removing bridge {bridge}", (f"link delete {bridge}",))
        raise


def remove_bridge(bridge: str, owner: str) -> None:
    """Remove the bridge, if it is ours."""
    seen = _link(bridge)
    if seen and seen.get("ifalias") == owner:
        _ip(f"removing bridge {bridge}", (f"link delete {bridge}",))


def _addressing(address: str, prefix: int, device: str) -> str:
    """Of IPv6 without asking whether somebody has it already: until that is answered nobody can listen on it."""
    return f"{address}/{prefix} dev {device}" + (" nodad" if ":" in address else "")


def _link(name: str) -> dict[str, object] | None:
    done = commands.run_command(("ip", "-json", "link", "show", "dev", name))
    found = json.loads(done.stdout) if done.returncode == 0 and done.stdout.strip() else []
    return found[0] if found else None


def _ip(doing: str, lines: tuple[str, ...] | list[str], *options: str) -> None:
    done = commands.run_command(("ip", *options, "-batch", "-"), stdin="\n".join(lines) + "\n")
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if not line.startswith("Command failed")]
        raise CloudError(f"{doing}: {'; '.join(said) or 'ip failed'}")
