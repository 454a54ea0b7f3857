"""The servers and volumes of a stack for the controller's guards: each is read once in a round."""

from __future__ import annotations

from guestagent.controller.hardware_api import HardwareVolume
from guestagent.resources.natives.cloud_api import CloudApi
from guestagent.resources.natives.requests import GrowVolume
from guestagent.resources.orchestrator.recorded_heat import read_once


class CloudHardware:
    """The NodeHardware of a project."""

    def __init__(self, cloud: CloudApi) -> None:
        self._cloud = cloud

    def read_server_status(self, server_id: str) -> str | None:
        server = read_once(lambda: self._cloud.get_server(server_id))
        return None if server is None else server.status

    def read_volume(self, volume_id: str) -> HardwareVolume | None:
        volume = read_once(lambda: self._cloud.get_volume(volume_id))
        return None if volume is None else HardwareVolume(volume.size_gib, volume.status)

    def extend_volume(self, volume_id: str, size_gib: int) -> None:
        self._cloud.send(GrowVolume(volume_id=volume_id, size_gib=size_gib))
