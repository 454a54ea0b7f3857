"""What is seen of a block device, and whether a serial is that of a volume. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from guestagent.volume.superblock import FileSystem

SERIAL_LENGTH_LIMIT = 20
"""virtio's limit: a longer serial arrives cut off."""
LABEL_PREFIX = "ga-"
LABEL_ID_LENGTH = 8
"""The beginning of the id in a label, of which xfs allows 12 characters."""


@dataclass(frozen=True, slots=True)
class DeviceObservation:
    """A device: what blkid and wipefs recognize on it, and whether both of its ends are zero.

    `users`: its partitions, and the devices that are made of it.
    """

    name: str
    size_bytes: int
    is_read_only: bool = False
    users: tuple[str, ...] = ()
    signatures: tuple[str, ...] = ()
    is_blank: bool = False
    file_system: FileSystem | None = None


def is_serial_of(serial: str, volume_id: str) -> bool:
    """Return whether a device with this serial is the volume: the serial is its id, or as much as fits."""
    return len(serial) >= SERIAL_LENGTH_LIMIT and volume_id.startswith(serial)


def build_label(volume_id: str) -> str:
    """Build the label of the file system on this volume."""
    return f"{LABEL_PREFIX}{volume_id[:LABEL_ID_LENGTH]}"
