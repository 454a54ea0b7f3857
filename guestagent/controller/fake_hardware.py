"""Fake servers and volumes in memory, for tests of programs that use the library. A growth takes one poll."""

from __future__ import annotations

from dataclasses import replace

from guestagent.controller.hardware_api import HardwareVolume
from guestagent.errors import CloudUnreachable


class FakeHardware:
    """A fake of `NodeHardware`, by ids. `asked` lists the requests that change something, in order.

    Volumes in `unwilling` go to error_extending. The answers to the next `lost` requests to grow a volume are lost,
    after they have had their effect.
    """

    def __init__(self) -> None:
        self.servers: dict[str, str] = {}
        self.volumes: dict[str, HardwareVolume] = {}
        self.unwilling: set[str] = set()
        self.lost = 0
        self.asked: list[tuple[str, int]] = []
        self._growing: dict[str, HardwareVolume] = {}

    def read_server_status(self, server_id: str) -> str | None:
        return self.servers.get(server_id)

    def read_volume(self, volume_id: str) -> HardwareVolume | None:
        volume = self.volumes.get(volume_id)
        if volume is not None and volume_id in self._growing:
            self.volumes[volume_id] = self._growing.pop(volume_id)
        return volume

    def extend_volume(self, volume_id: str, size_gib: int) -> None:
        volume = self.volumes[volume_id]
        self.asked.append((volume_id, size_gib))
        is_refused = volume_id in self.unwilling
        self.volumes[volume_id] = replace(volume, status="extending")
        grown = replace(volume, size_gib=size_gib)
        self._growing[volume_id] = replace(volume, status="error_extending") if is_refused else grown
        if self.lost:
            self.lost -= 1
            raise CloudUnreachable("the answer to extend_volume was lost")
