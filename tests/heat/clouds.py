"""A real Keystone and a real Heat with real guests, and a controller that uses them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import openstack

from guestagent.embedded import serving
from guestagent.embedded.cloud import Settings
from guestagent.embedded.guests import NamespaceHypervisor
from guestagent.embedded.realheat import ground_for, sweep
from tests.integration.clouds import Cloud
from tests.support.subnets import subnet_of_its_own

RELEASE = os.environ.get("HEAT_RELEASE") or None
USUAL = Settings()


@contextmanager
def cloud_in(folder: Path, settings: Settings = USUAL) -> Iterator[Cloud]:
    """For the block, on a subnet of its own; from the main thread. The daemons' account must get into `folder`."""
    heat = folder / "heat"
    ground = ground_for(heat, int(RELEASE) if RELEASE else None)
    with subnet_of_its_own() as subnet:
        gateway = str(subnet[1])
        bridge = f"gah{gateway.split('.')[2]}"
        hypervisor = NamespaceHypervisor(folder / "guests", bridge, gateway, 24)
        here = replace(settings, host=gateway, network=subnet)
        try:
            with (
                serving(hypervisor, here, ground) as served,
                openstack.connect(**served.connect) as connection,
            ):
                yield Cloud(served, hypervisor, bridge, connection)
        finally:
            sweep(heat)
