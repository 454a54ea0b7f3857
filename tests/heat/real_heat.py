"""A real Keystone and a real Heat with real guests, and a controller that uses them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import openstack

from guestagent.embedded import serving
from guestagent.embedded.guests import NamespaceHypervisor
from guestagent.embedded.process.cloud_settings import CloudSettings
from guestagent.embedded.real_heat import ground_for, remove_leftovers
from tests.support.guest_cloud import GuestCloud
from tests.support.subnets import open_subnet

RELEASE = os.environ.get("HEAT_RELEASE") or None
DEFAULT_SETTINGS = CloudSettings()


@contextmanager
def open_real_heat(folder: Path, settings: CloudSettings = DEFAULT_SETTINGS) -> Iterator[GuestCloud]:
    """For the block, on a subnet of its own; from the main thread. The daemons' account must get into `folder`."""
    heat = folder / "heat"
    ground = ground_for(heat, int(RELEASE) if RELEASE else None)
    with open_subnet() as subnet:
        gateway = str(subnet[1])
        bridge = f"gah{gateway.split('.')[2]}"
        hypervisor = NamespaceHypervisor(folder / "guests", bridge, gateway, 24)
        here = replace(settings, host=gateway, network=subnet)
        try:
            with (
                serving(hypervisor, here, ground) as served,
                openstack.connect(**served.connect) as connection,
            ):
                yield GuestCloud(served, hypervisor, bridge, connection)
        finally:
            remove_leftovers(heat)
