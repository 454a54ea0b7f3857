"""The guests of a real cloud: a hypervisor outside of its services, which have no rights."""

from __future__ import annotations

from pathlib import Path

from guestagent.embedded.host.unix_account import UnixAccount
from guestagent.embedded.openstack.nova.hypervisor import Hypervisor
from guestagent.embedded.real_cloud.hypervisor_server import HypervisorServer


class CloudGuests:
    """Opens and closes a hypervisor with the cloud. `bridge`: its guests' one, in the cloud's subnet, if it has one."""

    def __init__(self, hypervisor: Hypervisor, bridge: str | None = None) -> None:
        self.bridge, self._hypervisor = bridge, hypervisor
        self._server: HypervisorServer | None = None

    def start(self, socket: Path, account: UnixAccount) -> None:
        """Open the hypervisor, and take the drivers' calls."""
        self._hypervisor.open()
        self._server = HypervisorServer(self._hypervisor, socket, account)
        self._server.start()

    def stop(self) -> None:
        """Take no more calls, and destroy all guests."""
        if self._server is not None:
            self._server.stop()
        self._hypervisor.close()
