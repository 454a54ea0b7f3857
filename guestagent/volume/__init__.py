"""The data volume: found by its id, formatted if it is blank and new, mounted before the database server starts.

`guestagent-volume.service` runs `set_up_volume` as root. The agent reads its result with `read_volume_state`.
"""

from guestagent.volume.block_device import read_device_bytes
from guestagent.volume.environment import VolumeEnvironment, VolumePaths
from guestagent.volume.growth import grow_volume, request_growth
from guestagent.volume.marker import Marker
from guestagent.volume.server_start import check_server_start
from guestagent.volume.setup import set_up_volume
from guestagent.volume.state import VolumeResult, VolumeState
from guestagent.volume.state_file import read_volume_state

__all__ = [
    "Marker",
    "VolumeEnvironment",
    "VolumePaths",
    "VolumeResult",
    "VolumeState",
    "check_server_start",
    "grow_volume",
    "read_device_bytes",
    "read_volume_state",
    "request_growth",
    "set_up_volume",
]
