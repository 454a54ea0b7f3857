"""One instance as its marked server, volume and port show it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from guestagent.resources.natives.cloud_api import CloudPort, CloudServer, CloudVolume
from guestagent.resources.natives.instance_facts import InstanceFacts

SETTLED_STATUSES = frozenset({"ACTIVE", "SHUTOFF", "PAUSED", "SUSPENDED", "ERROR"})
"""Of a server that is neither being built, nor resized, nor moved, nor deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedInstance:
    """A server with what it uses. `epoch` counts the instance's servers; the volume and the port count for themselves.

    `volume` and `port` are None if they are not there; `problems` say why, and what else is wrong.
    """

    name: str
    server: CloudServer
    epoch: int
    facts: InstanceFacts
    volume: CloudVolume | None
    volume_epoch: int
    port: CloudPort | None
    port_epoch: int

    def find_problems(self) -> Iterator[str]:
        """Yield what is missing, and what is still going on."""
        server = self.server
        if server.status not in SETTLED_STATUSES or server.task_state:
            state = f"{server.status} {server.task_state or ''}".strip()
            yield f"server {server.id} of {self.name} is {state}: confirm, revert or await it first"
        if self.volume is None:
            yield f"server {server.id} of {self.name} has no data volume with its mark"
        if self.port is None:
            yield f"server {server.id} of {self.name} has no port with its mark"

    def __str__(self) -> str:
        volume = (
            "no volume" if self.volume is None else f"volume {self.volume.id}, {self.volume.size_gib} GiB"
        )
        address = "no port" if self.port is None else f"port {self.port.id}, {', '.join(self.port.addresses)}"
        return f"{self.name}: server {self.server.id} ({self.server.flavor}, {self.server.status}); {volume}; {address}"
