"""The removal of guests, containers or namespaces, whichever process started them."""

from __future__ import annotations

import signal

from guestagent.embedded.containers.cgroups import remove_cgroups
from guestagent.embedded.guests import namespace_processes, network
from guestagent.embedded.guests.guest_folders import GuestFolders
from guestagent.retry import Clock

KILL_TIMEOUT_S = 30
CGROUP_RECORD = "cgroups"


def kill_guest(bridge: str, guest_id: str, clock: Clock) -> None:
    """End everything in a guest at once; return when it has ended. PID 1 comes first, and takes the rest with it."""
    namespace = network.build_link_names(bridge, guest_id).namespace
    init = namespace_processes.find_init(namespace)
    if init is not None:
        namespace_processes.send_signal(namespace, init, signal.SIGKILL)
    namespace_processes.kill_processes(namespace, clock, KILL_TIMEOUT_S)


def remove_guest(folders: GuestFolders, bridge: str, guest_id: str, clock: Clock) -> None:
    """Kill a guest, and remove its link, its control groups and its folder; nothing happens if there is none."""
    kill_guest(bridge, guest_id, clock)
    network.disconnect_guest(bridge, guest_id)
    remove_cgroups(folders.find(guest_id) / CGROUP_RECORD, clock)
    folders.remove(guest_id)
