"""The columns of the contract: the fake Heat, a real one of our own, or any that clouds.yaml names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager

from openstack.config import OpenStackConfig

from guestagent.embedded import serving
from guestagent.embedded.cloud import Settings
from guestagent.embedded.hypervisor import Hypervisor
from tests.contract.heat import Heat, Scenery
from tests.support.environment import public_folder

EMBEDDED = Scenery(
    image="guestagent-mariadb",
    flavor="m1.small",
    larger="m1.large",
    network="embedded",
)


def column(name: str) -> AbstractContextManager[Heat]:
    """`fake`, `real`, or the name of a cloud in clouds.yaml."""
    return {"fake": fake, "real": real}.get(name, lambda: standing(name))()


def on_cloud(name: str, hypervisor: Hypervisor) -> AbstractContextManager[Heat]:
    """`fake` or `real`, with guests of another kind than those that are only remembered."""
    return (real if name == "real" else fake)(hypervisor)


@contextmanager
def fake(hypervisor: Hypervisor | None = None) -> Iterator[Heat]:
    """The embedded cloud's Heat, in this process; its guests are only remembered."""
    with serving(hypervisor) as cloud, closing(Heat("fake", 19, cloud.connect["auth"], EMBEDDED)) as heat:
        yield heat


@contextmanager
def real(hypervisor: Hypervisor | None = None) -> Iterator[Heat]:
    """A real Keystone and Heat, begun for this and thrown away; HEAT_RELEASE=27 takes that one from PyPI."""
    from guestagent.embedded.realheat import ground_for, sweep

    release = os.environ.get("HEAT_RELEASE")
    with public_folder() as folder:
        ground = ground_for(folder, int(release) if release else None)
        try:
            with serving(hypervisor, Settings(), ground) as cloud:
                heat = Heat("real", int(release or 19), cloud.connect["auth"], EMBEDDED)
                with closing(heat):
                    yield heat
        finally:
            sweep(folder)


@contextmanager
def standing(cloud: str) -> Iterator[Heat]:
    """A Heat that runs already. What stands around it is told by CONTRACT_* where it is called otherwise."""
    auth = OpenStackConfig().get_one(cloud).get_auth_args()
    told = {name: os.environ.get(f"CONTRACT_{name.upper()}", getattr(EMBEDDED, name)) for name in NAMES}
    release = int(os.environ.get("CONTRACT_RELEASE", "19"))
    with closing(Heat(cloud, release, auth, Scenery(**told))) as heat:
        yield heat


NAMES = ("image", "flavor", "larger", "network")
