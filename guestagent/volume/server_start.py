"""Checks, before the database server starts, that its data directory is that of the node's volume.

The unit that mounts the volume stays active for the whole boot. So it does not run again if somebody unmounts the
volume and starts the server, which would then use the data directory of the root disk.
"""

from __future__ import annotations

from guestagent.errors import VolumeError
from guestagent.strict_json import UnreadableContent
from guestagent.volume.environment import DATA_FOLDER_NAME, VolumePaths
from guestagent.volume.mount_table import Mount, find_mount, parse_mounts
from guestagent.volume.record import read_record
from guestagent.volume.state import VolumeResult, VolumeState
from guestagent.volume.state_file import read_volume_state

MOUNT_ADVICE = "run `guestagent volume mount`, then start the database server"


def check_server_start(paths: VolumePaths) -> None:
    """Raise VolumeError if the node has a volume, and the data directory is not the volume's. Or StorageError."""
    try:
        state = read_volume_state(paths.run)
    except UnreadableContent as error:
        raise VolumeError(f"the state in {paths.run} cannot be read ({error})", MOUNT_ADVICE) from error
    if state is None:
        if _has_record(paths):
            raise VolumeError(
                "the data volume of this node has not been mounted since the boot", MOUNT_ADVICE
            )
        return
    mounts = parse_mounts((paths.proc / "self" / "mountinfo").read_text())
    check_data_mount(state, find_mount(mounts, str(paths.data)), str(paths.data))


def check_data_mount(state: VolumeState, mount: Mount | None, data: str) -> None:
    """Decide by the state of the volume and the mount at the data directory. Raise VolumeError."""
    if state.result is VolumeResult.NONE:
        return
    if state.result is VolumeResult.FAILED:
        raise VolumeError(f"the data volume cannot be used: {state.reason}", state.advice)
    if state.result is VolumeResult.RUNNING:
        raise VolumeError("`guestagent volume mount` is at work, or was killed", MOUNT_ADVICE)
    if mount is None:
        raise VolumeError(f"the data volume is not mounted at {data}", MOUNT_ADVICE)
    if (mount.device_number, mount.folder) != (state.device_number, f"/{DATA_FOLDER_NAME}"):
        raise VolumeError(
            f"{data} is the mount of {mount.folder} on device {mount.device_number}, and not of "
            f"/{DATA_FOLDER_NAME} on the data volume, {state.device_number}",
            MOUNT_ADVICE,
        )


def _has_record(paths: VolumePaths) -> bool:
    try:
        return read_record(paths.state) is not None
    except UnreadableContent:
        return True
