"""The volumes of a cloud on this machine: sparse files in its state folder, which guests see as loop devices.

A device in use is known by its file's path, so that a later process can find or remove it after this one was killed.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from guestagent.embedded.host.loop_devices import (
    LoopDevice,
    attach_file,
    check_loop_devices,
    detach_device,
    find_loop_device,
    list_loop_devices,
    refresh_size,
)
from guestagent.errors import CloudError, StorageError

FOLDER_NAME = "volumes"
GIB = 1 << 30


class VolumeFiles:
    """The volumes below a cloud's `state` folder."""

    def __init__(self, state: Path) -> None:
        self._folder = state.resolve() / FOLDER_NAME

    def find_file(self, volume_id: str) -> Path:
        return self._folder / volume_id

    def create(self, volume_id: str, size_gib: int) -> None:
        """Create a blank volume, which takes no space on the disk until something is written to it."""
        check_loop_devices()
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.find_file(volume_id).touch(mode=0o600)
            os.truncate(self.find_file(volume_id), size_gib * GIB)
        except OSError as error:
            raise StorageError(f"cannot create volume {volume_id}: {error.strerror}") from error

    def extend(self, volume_id: str, size_gib: int) -> None:
        """Make a volume larger. A guest that has it does not see that before `show_growth`."""
        try:
            os.truncate(self.find_file(volume_id), size_gib * GIB)
        except OSError as error:
            raise StorageError(f"cannot extend volume {volume_id}: {error.strerror}") from error

    def attach(self, volume_id: str) -> LoopDevice:
        """Return the device of a volume, which it gets now if it has none, with the volume's present size."""
        file = self.find_file(volume_id)
        if not file.exists():
            raise CloudError(f"there is no volume {volume_id}")
        return attach_file(file)

    def show_growth(self, volume_id: str) -> None:
        """Let the guest see the size of an extended volume."""
        device = find_loop_device(self.find_file(volume_id))
        if device is not None:
            refresh_size(device)

    def detach(self, volume_id: str) -> None:
        """Take the device of a volume away; nothing happens if it has none."""
        device = find_loop_device(self.find_file(volume_id))
        if device is not None:
            detach_device(device)

    def delete(self, volume_id: str) -> None:
        """Delete a volume; nothing happens if there is none."""
        self.detach(volume_id)
        self.find_file(volume_id).unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove every volume, and every device of one, whichever process made it."""
        for device in tuple(list_loop_devices()):
            if self._folder in device.file.parents:
                detach_device(device)
        if self._folder.exists():
            shutil.rmtree(self._folder)
