"""The removal of everything that a cloud left, whichever process made it, and whatever its guests were."""

from __future__ import annotations

from pathlib import Path

from guestagent.embedded.containers.guest_removal import remove_guest
from guestagent.embedded.containers.metadata_network import LOG_FILE, close_metadata_network
from guestagent.embedded.guests import network
from guestagent.embedded.guests.guest_folders import GuestFolders
from guestagent.embedded.guests.volume_files import VolumeFiles
from guestagent.retry import Clock


def sweep_cloud(state: Path, bridge: str, clock: Clock) -> None:
    """Remove every guest and volume in a cloud's state folder, its metadata service, and its bridge."""
    folders = GuestFolders(state.resolve())
    for guest_id in folders.list_guests():
        remove_guest(folders, bridge, guest_id, clock)
    VolumeFiles(state).sweep()
    close_metadata_network(bridge, clock)
    network.remove_bridge(bridge, network.build_owner_tag(state))
    (state / LOG_FILE).unlink(missing_ok=True)
