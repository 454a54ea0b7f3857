"""An embedded cloud whose servers are booted from the tree of an image."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Network
from pathlib import Path

import openstack

from guestagent.embedded import Guest, serving
from guestagent.embedded.containers import ContainerHypervisor, Datasource, ImageTree
from guestagent.embedded.process.cloud_settings import CloudSettings
from guestagent.embedded.real_heat import RealHeatSetup, open_heat_setup, remove_leftovers
from tests.support.guest_cloud import GuestCloud

RELEASE = int(os.environ["HEAT_RELEASE"]) if os.environ.get("HEAT_RELEASE") else None


class CloningContainerHypervisor(ContainerHypervisor):
    """`next_origin`: the guest whose disk the next new guest gets a copy of, as of a snapshot."""

    next_origin: str | None = None

    def boot(self, guest: Guest) -> None:
        origin, self.next_origin = self.next_origin, None
        if origin is None:
            super().boot(guest)
        else:
            self.boot_copy(guest, origin)


class ImageCloud(GuestCloud):
    """A cloud of containers, which can copy a disk."""

    hypervisor: CloningContainerHypervisor


@contextmanager
def open_image_cloud(
    subnet: IPv4Network,
    state: Path,
    tree: ImageTree,
    datasource: Datasource = Datasource.CONFIG_DRIVE,
    real_heat: RealHeatSetup | None = None,
) -> Iterator[ImageCloud]:
    """Run a cloud on this subnet, with a real Heat or a fake one. Guests find their instance by `datasource`."""
    state.mkdir(mode=0o700, parents=True)
    gateway = str(subnet[1])
    bridge = f"gac{gateway.split('.')[2]}"
    hypervisor = CloningContainerHypervisor(state, bridge, gateway, subnet.prefixlen, tree, datasource)
    with (
        serving(hypervisor, CloudSettings(host=gateway, network=subnet), real_heat) as server,
        openstack.connect(**server.connect) as connection,
    ):
        yield ImageCloud(server, hypervisor, bridge, connection)


@contextmanager
def open_real_image_cloud(folder: Path, subnet: IPv4Network, tree: ImageTree) -> Iterator[ImageCloud]:
    """Run a cloud with a real Heat. The account of its daemons must be able to enter `folder`."""
    heat_folder = folder / "heat"
    setup = open_heat_setup(heat_folder, RELEASE)
    try:
        with open_image_cloud(subnet, folder / "guests", tree, real_heat=setup) as cloud:
            yield cloud
    finally:
        remove_leftovers(heat_folder)
