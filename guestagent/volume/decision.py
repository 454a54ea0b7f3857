"""Decides what may be done with a volume: format it, mount it, or nothing at all. Pure.

Only a volume that is declared new and proved blank is formatted. A format that was interrupted is repeated if the
record on the root disk has its intent, which is withdrawn before anything is stored on the volume.
"""

from __future__ import annotations

from collections.abc import Set
from enum import Enum

from guestagent.byte_units import GIB
from guestagent.errors import VolumeError
from guestagent.metadata.server_metadata import VolumeDeclaration
from guestagent.volume.marker import Marker
from guestagent.volume.observation import DeviceObservation, build_label

ENCRYPTION_HEADER_BYTES = 32 << 20
"""An encrypted volume is smaller than declared by at most the header of its encryption."""
EMPTY_NAMES = frozenset({"lost+found", ".guestagent-volume.json.draft"})
"""Names in the root of a file system that holds nothing: mkfs.ext4's, and a marker whose writing was interrupted."""
NOTHING_TOUCHED = "nothing was touched"


class VolumeAction(str, Enum):
    """What to do with a volume. FORMAT_AGAIN: a format was interrupted, and what it left is replaced."""

    FORMAT = "format"
    FORMAT_AGAIN = "format again"
    MOUNT = "mount"

    def __str__(self) -> str:
        return self.value


def decide_action(
    declaration: VolumeDeclaration, observation: DeviceObservation, *, is_formatting: bool
) -> VolumeAction:
    """Decide by the device alone, before anything is mounted. Raise VolumeError if nothing may be done.

    `is_formatting`: this node has begun to format this volume.
    """
    volume, name = declaration.volume, observation.name
    _check_device(declaration, observation)
    file_system, label = observation.file_system, build_label(declaration.volume_id)
    if file_system is not None and file_system.label == label:
        others = sorted(set(observation.signatures) - {file_system.kind})
        if others:
            raise _refuse(f"{name} holds this volume's file system and also {', '.join(others)}")
        if file_system.kind != volume.file_system:
            raise _refuse(
                f"the file system on {name} is {file_system.kind}, and {volume.file_system} is declared",
                "correct FileSystem in the template",
            )
        if file_system.size_bytes > observation.size_bytes:
            raise _refuse(
                f"the file system on {name} has {file_system.size_bytes} bytes, and the device only "
                f"{observation.size_bytes}"
            )
        if file_system.is_complete:
            return VolumeAction.MOUNT
        if is_formatting and volume.is_new:
            return VolumeAction.FORMAT_AGAIN
        raise _refuse(f"the file system on {name} is incomplete: its format was interrupted elsewhere")
    if observation.signatures or file_system is not None:
        kinds = observation.signatures or ((file_system.kind,) if file_system else ())
        raise _refuse(f"{name} holds something that is not this volume's: {', '.join(kinds)}")
    if not volume.is_new:
        content = "is blank" if observation.is_blank else "holds no file system"
        raise _refuse(
            f"{name} {content}, and the volume is not declared new",
            "attach the volume that holds the data, or declare it as New",
        )
    if observation.size_bytes > volume.size_gib * GIB:
        raise _refuse(
            f"{name} has {observation.size_bytes} bytes, more than the {volume.size_gib} GiB that are declared",
            "a volume is formatted only if it has the declared size",
        )
    if observation.is_blank:
        return VolumeAction.FORMAT
    if is_formatting:
        return VolumeAction.FORMAT_AGAIN
    raise _refuse(f"{name} is not blank: it holds bytes that are not zero")


def decide_by_content(
    declaration: VolumeDeclaration, marker: Marker | None, names: Set[str], *, is_formatting: bool
) -> VolumeAction:
    """Decide by the marker and the names in the root of the file system. Raise VolumeError if it is not to be used."""
    if marker is not None:
        check_marker(declaration, marker)
        return VolumeAction.MOUNT
    others = sorted(names - EMPTY_NAMES)
    if others:
        raise _refuse(f"the volume has no marker, but holds {', '.join(others[:5])}")
    if not declaration.volume.is_new:
        raise _refuse("the volume holds no data, and is not declared new")
    return VolumeAction.FORMAT_AGAIN if is_formatting else VolumeAction.MOUNT


def check_marker(declaration: VolumeDeclaration, marker: Marker) -> None:
    """Raise VolumeError if the marker is that of another volume, cluster or node."""
    if marker.volume_id != declaration.volume_id:
        raise _refuse(f"the volume is marked as {marker.volume_id}: it is a copy of another volume")
    for kind, marked, declared in (
        ("cluster", marker.cluster, declaration.cluster),
        ("node", marker.node, declaration.node),
    ):
        if marked and declared and marked != declared:
            raise _refuse(
                f"the volume belongs to {kind} {marked}, and this is {kind} {declared}",
                "attach this node's own volume",
            )


def _check_device(declaration: VolumeDeclaration, observation: DeviceObservation) -> None:
    name, size_bytes = observation.name, observation.size_bytes
    if size_bytes == 0:
        raise _refuse(f"{name} has a size of 0 bytes", "detach the volume and attach it again")
    if observation.is_read_only:
        raise _refuse(f"{name} is read-only", "attach the volume for writing")
    if size_bytes < declaration.volume.size_gib * GIB - ENCRYPTION_HEADER_BYTES:
        raise _refuse(
            f"{name} has {size_bytes} bytes, less than the {declaration.volume.size_gib} GiB that are declared"
        )
    if observation.users:
        raise _refuse(f"{name} is in use by {', '.join(observation.users)}")


def _refuse(reason: str, advice: str = "") -> VolumeError:
    return VolumeError(reason, f"{NOTHING_TOUCHED}; {advice}" if advice else NOTHING_TOUCHED)
