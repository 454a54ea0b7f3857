"""The growth of a file system to the size of its device: xfs while it is mounted, ext4 before that."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, replace
from pathlib import Path

from guestagent import atomic_file
from guestagent.errors import StorageError, VolumeError
from guestagent.file_lock import hold_lock
from guestagent.volume.block_device import BlockDevice, read_device_bytes
from guestagent.volume.environment import VolumeEnvironment
from guestagent.volume.state import VolumeResult, VolumeState
from guestagent.volume.state_file import read_volume_state, write_volume_state
from guestagent.volume.superblock import SUPERBLOCK_BYTES, FileSystem, parse_superblock

GROWTH_STEP_BYTES = 32 << 20
"""A file system that is smaller than its device by less than this is as large as it can be."""
REQUEST_FILE = "grow"
"""In the agent's run folder: guestagent-volume-grow.path starts the growth when it appears."""
OFFLINE_REASON = "an ext4 grows when it is mounted: reboot the node"


@dataclass(frozen=True, slots=True)
class VolumeSize:
    """Sizes in bytes."""

    device_bytes: int
    file_system_bytes: int

    @property
    def is_smaller(self) -> bool:
        """Whether the file system can grow."""
        return self.file_system_bytes + GROWTH_STEP_BYTES <= self.device_bytes


def measure_file_system(environment: VolumeEnvironment, device: BlockDevice, kind: str) -> VolumeSize:
    """Measure a mounted file system. The superblock of an xfs on the disk is older than the one in memory."""
    file_system = _read_superblock(device.path)
    device_bytes = read_device_bytes(environment.paths.sys, device.name)
    if kind == "xfs":
        statistics = os.statvfs(environment.paths.root)
        mounted_bytes = statistics.f_blocks * statistics.f_frsize + file_system.log_bytes
        return VolumeSize(device_bytes, mounted_bytes)
    return VolumeSize(device_bytes, file_system.size_bytes)


def grow_unmounted(environment: VolumeEnvironment, device: BlockDevice, kind: str) -> None:
    """Check an ext4, and grow it if its device has grown."""
    if kind != "ext4":
        return
    device_bytes = read_device_bytes(environment.paths.sys, device.name)
    size = VolumeSize(device_bytes, _read_superblock(device.path).size_bytes)
    environment.tools.check_ext4(device.path, is_full=size.is_smaller)
    if size.is_smaller:
        environment.tools.grow_ext4(device.path)


def grow_mounted(environment: VolumeEnvironment, device: BlockDevice, kind: str) -> str:
    """Grow a mounted xfs if its device has grown. Return why the file system cannot grow now, "" if it could."""
    if not measure_file_system(environment, device, kind).is_smaller:
        return ""
    if kind != "xfs":
        return OFFLINE_REASON
    try:
        environment.tools.grow_xfs(environment.paths.root)
    except VolumeError as error:
        return str(error)
    return ""


def grow_volume(environment: VolumeEnvironment, agent_run_folder: Path) -> VolumeState:
    """Grow the mounted volume of this node if its device has grown, and return its new state."""
    paths = environment.paths
    # Before the look at the device: a growth that comes later is requested again.
    atomic_file.remove_file(agent_run_folder / REQUEST_FILE)
    with hold_lock(paths.run / "lock", math.inf):
        state = read_volume_state(paths.run)
        if state is None or state.result is not VolumeResult.MOUNTED or state.declaration is None:
            raise VolumeError("no data volume is mounted", "`guestagent volume show` shows why")
        device = BlockDevice(state.device, paths.dev / state.device, state.device_number)
        kind = state.declaration.volume.file_system
        growth_error = grow_mounted(environment, device, kind)
        size = measure_file_system(environment, device, kind)
        grown = replace(
            state,
            device_bytes=size.device_bytes,
            file_system_bytes=size.file_system_bytes,
            growth_error=growth_error if size.is_smaller else "",
        )
        write_volume_state(paths.run, grown)
        return grown


def request_growth(agent_run_folder: Path) -> None:
    """Ask systemd for the growth of the volume, which the agent is not allowed to do itself."""
    atomic_file.write_unsynced(agent_run_folder / REQUEST_FILE, b"")


def _read_superblock(path: Path) -> FileSystem:
    try:
        with path.open("rb", buffering=0) as file:
            file_system = parse_superblock(file.read(SUPERBLOCK_BYTES))
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error.strerror}") from error
    if file_system is None:
        raise VolumeError(f"{path} has lost its superblock")
    return file_system
