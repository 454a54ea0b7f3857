"""The columns of the contract: the fake Heat, a real one that the tests start, or a cloud in clouds.yaml."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager

from openstack.config import OpenStackConfig

from guestagent.embedded import serving
from guestagent.embedded.openstack.nova.hypervisor import Hypervisor
from guestagent.embedded.process.cloud_settings import CloudSettings
from tests.contract.heat import CloudNames, HeatClient
from tests.support.environment import open_public_folder

EMBEDDED = CloudNames(
    image="guestagent-mariadb",
    flavor="m1.small",
    larger="m1.large",
    network="embedded",
)


def open_column(name: str) -> AbstractContextManager[HeatClient]:
    """Open `fake`, `real`, or a cloud by its name in clouds.yaml."""
    return {"fake": open_fake_heat, "real": open_real_heat}.get(name, lambda: open_running_heat(name))()


def open_heat_with(name: str, hypervisor: Hypervisor) -> AbstractContextManager[HeatClient]:
    """Open `fake` or `real` with another hypervisor than the fake one."""
    return (open_real_heat if name == "real" else open_fake_heat)(hypervisor)


@contextmanager
def open_fake_heat(hypervisor: Hypervisor | None = None) -> Iterator[HeatClient]:
    """Run the Heat of the embedded cloud in this process, with a fake hypervisor by default."""
    with (
        serving(hypervisor) as cloud,
        closing(HeatClient("fake", 19, cloud.connect["auth"], EMBEDDED)) as heat,
    ):
        yield heat


@contextmanager
def open_real_heat(hypervisor: Hypervisor | None = None) -> Iterator[HeatClient]:
    """Run a real Keystone and Heat for the block. With HEAT_RELEASE=27, Heat 27 is installed from PyPI."""
    from guestagent.embedded.real_heat import open_heat_setup, remove_leftovers

    release = os.environ.get("HEAT_RELEASE")
    with open_public_folder() as folder:
        ground = open_heat_setup(folder, int(release) if release else None)
        try:
            with serving(hypervisor, CloudSettings(), ground) as cloud:
                heat = HeatClient("real", int(release or 19), cloud.connect["auth"], EMBEDDED)
                with closing(heat):
                    yield heat
        finally:
            remove_leftovers(folder)


@contextmanager
def open_running_heat(cloud: str) -> Iterator[HeatClient]:
    """Use a Heat that already runs. CONTRACT_* variables set the names of its image, flavors and network."""
    auth = OpenStackConfig().get_one(cloud).get_auth_args()
    names = {name: os.environ.get(f"CONTRACT_{name.upper()}", getattr(EMBEDDED, name)) for name in NAMES}
    release = int(os.environ.get("CONTRACT_RELEASE", "19"))
    with closing(HeatClient(cloud, release, auth, CloudNames(**names))) as heat:
        yield heat


NAMES = ("image", "flavor", "larger", "network")
