"""The flavors of the cloud."""

from __future__ import annotations

from dataclasses import dataclass

from guestagent.embedded.host.identifiers import build_fixed_id

DISK_GIB = 1
"""The root disk of every flavor."""


@dataclass(frozen=True, slots=True)
class Flavor:
    """A flavor. `is_broken`: no host can spawn its servers, or resize one to it. `is_stuck`: they stay in BUILD.

    `has_no_host`: no host has the room: a new server goes to ERROR, a resized one keeps its flavor. `is_rigid`: the
    hypervisor does not show its servers that a volume has grown.
    """

    name: str
    vcpus: int
    memory_mb: int
    is_broken: bool = False
    is_stuck: bool = False
    has_no_host: bool = False
    is_rigid: bool = False

    @property
    def id(self) -> str:
        return build_fixed_id("flavor", self.name)


FLAVORS = (
    Flavor("m1.tiny", 1, 128),
    Flavor("m1.small", 1, 256),
    Flavor("m1.medium", 2, 512),
    Flavor("m1.large", 4, 1024),
    Flavor("broken", 1, 128, is_broken=True),
    Flavor("stuck", 1, 128, is_stuck=True),
    Flavor("no-host", 1, 128, has_no_host=True),
    Flavor("rigid", 1, 128, is_rigid=True),
)


def find_flavor(name: str) -> Flavor | None:
    """Return the flavor of that name or id."""
    return next((flavor for flavor in FLAVORS if name in (flavor.name, flavor.id)), None)
