"""The servers and volumes behind the resources of a stack, as Nova and Cinder show them: three requests.

`openstack_hardware.py` makes them, `FakeHardware` answers in tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class HardwareVolume:
    """A volume: its real size, and its status in Cinder, `in-use` for example."""

    size_gib: int
    status: str


class NodeHardware(Protocol):
    """The requests. They raise CloudUnreachable if repeating may help, and CloudRefused if the service rejects them."""

    def read_server_status(self, server_id: str) -> str | None:
        """Return the server's status in Nova, `ACTIVE` for example; None if there is no such server."""

    def read_volume(self, volume_id: str) -> HardwareVolume | None:
        """Return the volume, or None if there is none."""

    def extend_volume(self, volume_id: str, size_gib: int) -> None:
        """Begin to grow a volume to this size, attached or not."""
