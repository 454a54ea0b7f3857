"""Finds the volume's block device by its serial, waits for it, and looks at what it holds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from guestagent.errors import VolumeError
from guestagent.retry import Clock
from guestagent.volume.observation import DeviceObservation, is_serial_of
from guestagent.volume.superblock import SUPERBLOCK_BYTES, parse_superblock
from guestagent.volume.tools import VolumeTools

SECTOR_BYTES = 512
BLANK_MARGIN_BYTES = 16 << 20
"""So many bytes at each end of a device must be zero before it is formatted."""
READ_BYTES = 1 << 20
DEVICE_INTERVAL_S = 0.5
ATTACH_ADVICE = "attach the volume to this server"
SERIAL_FILES = ("serial", "device/serial")
"""Of virtio and NVMe. SCSI has the serial in a page of binary data."""
SCSI_SERIAL_FILE, SCSI_HEADER_BYTES = "device/vpd_pg80", 4


@dataclass(frozen=True, slots=True)
class BlockDevice:
    """A block device by its name (`vdb`), its path, and its number (MAJOR:MINOR)."""

    name: str
    path: Path
    number: str


def wait_for_device(volume_id: str, sys: Path, dev: Path, clock: Clock, timeout_s: float) -> BlockDevice:
    """Return the device with the serial of this volume. Raise VolumeError if none appears in time, or if two do."""
    deadline = clock.now() + timeout_s
    while True:
        names = sorted(_list_names(volume_id, sys, dev))
        if len(names) > 1:
            raise VolumeError(
                f"more than one block device has the serial of volume {volume_id}: {', '.join(names)}",
                "detach all but one of them",
            )
        if names:
            return BlockDevice(names[0], dev / names[0], _read_text(sys / "block" / names[0] / "dev"))
        if clock.now() >= deadline:
            raise VolumeError(
                f"no block device has the serial of volume {volume_id} after {timeout_s:.0f} s",
                f"{ATTACH_ADVICE}, then start the database server",
            )
        clock.sleep(DEVICE_INTERVAL_S)


def read_device_bytes(sys: Path, name: str) -> int:
    """Return the present size of a device; 0 if there is no such device."""
    text = _read_text(sys / "block" / name / "size")
    return int(text) * SECTOR_BYTES if text.isdigit() else 0


def observe_device(device: BlockDevice, sys: Path, tools: VolumeTools) -> DeviceObservation:
    """Look at a device without changing it. Raise VolumeError if it cannot be read."""
    folder = sys / "block" / device.name
    size_bytes = read_device_bytes(sys, device.name)
    if size_bytes == 0:
        return DeviceObservation(device.name, 0)
    try:
        with device.path.open("rb", buffering=0) as file:
            head = file.read(SUPERBLOCK_BYTES)
            is_blank = all(part.count(0) == len(part) for part in _read_margins(file.fileno(), size_bytes))
    except OSError as error:
        raise VolumeError(f"cannot read {device.name}: {error.strerror}") from error
    return DeviceObservation(
        name=device.name,
        size_bytes=size_bytes,
        is_read_only=_read_text(folder / "ro") == "1",
        users=tuple(sorted(_list_users(folder))),
        signatures=tools.list_signatures(device.path),
        is_blank=is_blank,
        file_system=parse_superblock(head),
    )


def _list_names(volume_id: str, sys: Path, dev: Path) -> set[str]:
    """List the disks with this serial: by sysfs, and by the names that udev makes of serials."""
    names = {
        folder.name
        for folder in _list_folder(sys / "block")
        if any(is_serial_of(serial, volume_id) for serial in _iterate_serials(folder))
    }
    for link in _list_folder(dev / "disk" / "by-id"):
        # The serial is the end of the name: virtio-SERIAL, scsi-0QEMU_QEMU_HARDDISK_SERIAL. A partition's is not.
        if is_serial_of(link.name[link.name.rfind("_") + 1 :].removeprefix("virtio-"), volume_id):
            with suppress(OSError):
                names.add(link.resolve(strict=True).name)
    return names


def _iterate_serials(folder: Path) -> Iterator[str]:
    for name in SERIAL_FILES:
        yield _read_text(folder / name)
    with suppress(OSError):
        page = (folder / SCSI_SERIAL_FILE).read_bytes()
        yield page[SCSI_HEADER_BYTES:].decode("ascii", "replace").strip("\0 ")


def _list_users(folder: Path) -> Iterator[str]:
    """List partitions of the disk, and devices that are made of it (LVM, RAID, encryption)."""
    yield from (child.parent.name for child in folder.glob("*/partition"))
    yield from (child.name for child in _list_folder(folder / "holders"))


def _read_margins(descriptor: int, size_bytes: int) -> Iterator[bytes]:
    margins = (range(0, min(BLANK_MARGIN_BYTES, size_bytes), READ_BYTES),)
    tail = max(0, size_bytes - BLANK_MARGIN_BYTES)
    for offsets in (*margins, range(tail, size_bytes, READ_BYTES)):
        for offset in offsets:
            yield os.pread(descriptor, READ_BYTES, offset)


def _list_folder(folder: Path) -> tuple[Path, ...]:
    try:
        return tuple(folder.iterdir())
    except OSError:
        return ()


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
