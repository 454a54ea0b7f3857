"""The places and programs that the work on a volume depends on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from guestagent.retry import Clock, SystemClock
from guestagent.volume.tools import VolumeTools

DEVICE_TIMEOUT_S = 120.0
DATA_FOLDER_NAME = "mysql"
COPY_FOLDER_NAME = ".mysql.copy"
"""The data directory on the volume, while it is copied from the root disk."""


@dataclass(frozen=True, slots=True)
class VolumePaths:
    """`root`: where the volume is mounted; its folder `mysql` is mounted once more at `data`.

    `state` is on the root disk, `run` is empty after a boot. `cloud_init` is where cloud-init keeps its instance data.
    """

    root: Path = Path("/var/lib/guestagent-volume")
    data: Path = Path("/var/lib/mysql")
    state: Path = Path("/var/lib/guestagent")
    run: Path = Path("/run/guestagent-volume")
    cloud_init: Path = Path("/run/cloud-init")
    sys: Path = Path("/sys")
    dev: Path = Path("/dev")
    proc: Path = Path("/proc")

    @property
    def volume_data(self) -> Path:
        return self.root / DATA_FOLDER_NAME

    @property
    def copy(self) -> Path:
        return self.root / COPY_FOLDER_NAME

    @property
    def inspection(self) -> Path:
        """Where the volume is mounted read-only, before anything on it may change."""
        return self.run / "inspection"


@dataclass(frozen=True, slots=True)
class VolumeEnvironment:
    """Everything outside that a run uses. `timeout_s`: how long it waits for the device."""

    paths: VolumePaths = VolumePaths()
    tools: VolumeTools = field(default_factory=VolumeTools)
    clock: Clock = field(default_factory=SystemClock)
    timeout_s: float = DEVICE_TIMEOUT_S
