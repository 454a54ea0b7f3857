"""One real Keystone and one real Heat for all tests of a process, with real guests; gone with the last of them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import openstack
import pytest

from guestagent.embedded import serving
from guestagent.embedded.cloud import Settings
from guestagent.embedded.guests import NamespaceHypervisor
from guestagent.embedded.realheat import ground_for, sweep
from tests.conftest import subnet_of_its_own
from tests.integration.clouds import Cloud

RELEASE = os.environ.get("HEAT_RELEASE")


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """Not pytest's own temporary folder: the daemons' account could not reach what is in it."""
    made = Path(tempfile.mkdtemp(prefix="guestagent-heat-", dir="/var/tmp"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="session")
def real_heat(folder: Path) -> Iterator[Cloud]:
    """The cloud, and a controller that uses it. Its stacks are its tests' own to name."""
    heat = folder / "heat"
    ground = ground_for(heat, int(RELEASE) if RELEASE else None)
    with subnet_of_its_own() as subnet:
        gateway = str(subnet[1])
        bridge = f"gah{gateway.split('.')[2]}"
        hypervisor = NamespaceHypervisor(folder / "guests", bridge, gateway, 24)
        try:
            with (
                serving(hypervisor, Settings(host=gateway, network=subnet), ground) as served,
                openstack.connect(**served.connect) as connection,
            ):
                yield Cloud(served, hypervisor, bridge, connection)
        finally:
            sweep(heat)


@pytest.fixture(autouse=True)
def no_dangerous_read(real_heat: Cloud) -> Iterator[None]:
    """Nothing that we do may read a stack in progress in a way that makes Heat write."""
    before = len(real_heat.served.dangerous_reads)
    yield
    assert real_heat.served.dangerous_reads[before:] == []
