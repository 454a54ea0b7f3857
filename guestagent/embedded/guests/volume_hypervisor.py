"""The half of a hypervisor that is about volumes: the same for namespaces and containers."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from guestagent.embedded.guests.guest_file import read_guest_file, write_guest_file
from guestagent.embedded.guests.guest_folders import GuestFolders
from guestagent.embedded.guests.guest_volumes import (
    add_volume,
    build_attach_commands,
    build_detach_commands,
    build_disk_command,
    remove_volume,
)
from guestagent.embedded.guests.volume_files import VolumeFiles
from guestagent.embedded.host import commands
from guestagent.embedded.openstack.nova.hypervisor import Guest


class FindInit(Protocol):
    """Finds the number of a guest's PID 1 on this machine; None if it does not run."""

    def __call__(self, guest_id: str) -> int | None: ...


class VolumeHypervisor:
    """Volumes are files in the state folder. A guest that runs sees a change at once, each other one when it boots."""

    def __init__(self, state: Path, folders: GuestFolders, find_init: FindInit) -> None:
        self._volume_files, self._guest_folders = VolumeFiles(state), folders
        self._find_guest_init = find_init

    def create_volume(self, volume_id: str, size_gib: int) -> None:
        """Create a blank volume."""
        self._volume_files.create(volume_id, size_gib)

    def extend_volume(self, volume_id: str, size_gib: int) -> None:
        """Make a volume larger. A guest that has it sees that by `show_growth`."""
        self._volume_files.extend(volume_id, size_gib)

    def delete_volume(self, volume_id: str) -> None:
        """Delete a volume; nothing happens if there is none."""
        self._volume_files.delete(volume_id)

    def attach_volume(self, guest_id: str, volume_id: str) -> None:
        """Give a guest a volume: from now on, and at each later boot."""
        with self._guest_folders.hold_lock(guest_id):
            guest = add_volume(self._guest_folders.read_guest(guest_id), volume_id)
            write_guest_file(self._guest_folders.find(guest_id), guest)
            script = build_attach_commands(self._volume_files.attach(volume_id), volume_id)
            self._run_in_root(guest_id, f"attaching volume {volume_id}", script)

    def detach_volume(self, guest_id: str, volume_id: str) -> None:
        """Take a volume away from a guest."""
        with self._guest_folders.hold_lock(guest_id):
            guest = remove_volume(self._guest_folders.read_guest(guest_id), volume_id)
            write_guest_file(self._guest_folders.find(guest_id), guest)
            self._run_in_root(guest_id, f"detaching volume {volume_id}", build_detach_commands(volume_id))
            self._volume_files.detach(volume_id)

    def show_growth(self, guest_id: str, volume_id: str) -> None:
        """Let the guest see the size of a volume that was extended."""
        self._volume_files.show_growth(volume_id)

    def _build_disk_commands(self, guest: Guest) -> str:
        """Attach the volumes of a guest that starts, and build the commands that show them in its /dev."""
        devices = [(self._volume_files.attach(volume_id), volume_id) for volume_id in guest.volumes]
        return "".join(build_attach_commands(device, volume_id) for device, volume_id in devices)

    def _detach_volumes(self, guest_id: str) -> None:
        """Detach the volumes of a guest that has ended for good; nothing happens if there is none."""
        guest = read_guest_file(self._guest_folders.find(guest_id))
        for volume_id in () if guest is None else guest.volumes:
            self._volume_files.detach(volume_id)

    def _run_in_root(self, guest_id: str, description: str, script: str) -> None:
        init = self._find_guest_init(guest_id)
        if init is not None:
            commands.run_checked(description, build_disk_command(init, script))
