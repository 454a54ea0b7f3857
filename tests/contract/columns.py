"""The columns of the contract: the fake Heat, a real one of our own, or any that clouds.yaml names."""

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
    """`fake`, `real`, or the name of a cloud in clouds.yaml."""
    return {"fake": open_fake_heat, "real": open_real_heat}.get(name, lambda: open_running_heat(name))()


def open_heat_with(name: str, hypervisor: Hypervisor) -> AbstractContextManager[HeatClient]:
    """`fake` or `real`, with guests of another kind than those that are only remembered."""
    return (open_real_heat if name == "real" else open_fake_heat)(hypervisor)


@contextmanager
def open_fake_heat(hypervisor: Hypervisor | None = None) -> Iterator[HeatClient]:
    """The embedded cloud's Heat, in this process; its guests are only remembered."""
    with (
        serving(hypervisor) as cloud,
        closing(HeatClient("fake", 19, cloud.connect["auth"], EMBEDDED)) as heat,
    ):
        yield heat


@contextmanager
def open_real_heat(hypervisor: Hypervisor | None = None) -> Iterator[HeatClient]:
    """A real Keystone and Heat, begun for this and thrown away; HEAT_RELEASE=27 takes that one from PyPI."""
    from guestagent.embedded.real_heat import ground_for, remove_leftovers

    release = os.environ.get("HEAT_RELEASE")
    with open_public_folder() as folder:
        ground = ground_for(folder, int(release) if release else None)
        try:
            with serving(hypervisor, CloudSettings(), ground) as cloud:
                heat = HeatClient("real", int(release or 19), cloud.connect["auth"], EMBEDDED)
                with closing(heat):
                    yield heat
        finally:
            remove_leftovers(folder)


@contextmanager
def open_running_heat(cloud: str) -> Iterator[HeatClient]:
    """A Heat that runs already. What stands around it is told by CONTRACT_* where it is called otherwise."""
    auth = OpenStackConfig().get_one(cloud).get_auth_args()
    told = {name: os.environ.get(f"CONTRACT_{name.upper()}", getattr(EMBEDDED, name)) for name in NAMES}
    release = int(os.environ.get("CONTRACT_RELEASE", "19"))
    with closing(HeatClient(cloud, release, auth, CloudNames(**told))) as heat:
        yield heat


NAMES = ("image", "flavor", "larger", "network")
