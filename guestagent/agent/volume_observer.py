"""Observes the data volume of this node: the result of its unit, the size of its device, and where the data are."""

from __future__ import annotations

import os
from pathlib import Path

from guestagent.agent.settings import VolumeSettings
from guestagent.agent.volume_condition import VolumeObservation
from guestagent.errors import StorageError
from guestagent.strict_json import UnreadableContent
from guestagent.volume import VolumeResult, read_device_bytes, read_volume_state

SYS_FOLDER = Path("/sys")


def observe_volume(settings: VolumeSettings, sys_folder: Path = SYS_FOLDER) -> VolumeObservation:
    """Observe the volume. Nothing but the result of its unit is known if that did not mount it."""
    try:
        state = read_volume_state(settings.run)
    except (UnreadableContent, StorageError) as error:
        return VolumeObservation(defect=str(error))
    if state is None or state.result is not VolumeResult.MOUNTED:
        return VolumeObservation(state)
    return VolumeObservation(
        state,
        device_bytes=read_device_bytes(sys_folder, state.device),
        has_data=_find_device_number(settings.data) == state.device_number,
    )


def _find_device_number(folder: Path) -> str:
    """Return the number of the device that a folder is on; "" if there is no such folder."""
    try:
        device = folder.stat().st_dev
    except OSError:
        return ""
    return f"{os.major(device)}:{os.minor(device)}"
