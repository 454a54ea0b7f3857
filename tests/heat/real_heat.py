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
from guestagent.embedded.real_heat import open_heat_setup, remove_leftovers
from tests.support.guest_cloud import GuestCloud
from tests.support.subnets import open_subnet

RELEASE = os.environ.get("HEAT_RELEASE") or None
DEFAULT_SETTINGS = CloudSettings()


@contextmanager
def open_real_heat(folder: Path, settings: CloudSettings = DEFAULT_SETTINGS) -> Iterator[GuestCloud]:
    """Run a cloud on its own subnet. Call it from the main thread.

    The account of the daemons must be able to enter `folder`.
    """
    heat_folder = folder / "heat"
    ground = open_heat_setup(heat_folder, int(RELEASE) if RELEASE else None)
    with open_subnet() as subnet:
        gateway = str(subnet[1])
        bridge = f"gah{gateway.split('.')[2]}"
        hypervisor = NamespaceHypervisor(folder / "guests", bridge, gateway, 24)
        own_settings = replace(settings, host=gateway, network=subnet)
        try:
            with (
                serving(hypervisor, own_settings, ground) as server,
                openstack.connect(**server.connect) as connection,
            ):
                yield GuestCloud(server, hypervisor, bridge, connection)
        finally:
            remove_leftovers(heat_folder)
