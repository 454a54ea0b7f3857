"""The flavors of the cloud."""

from __future__ import annotations

from dataclasses import dataclass

from guestagent.embedded.host.identifiers import build_fixed_id


@dataclass(frozen=True, slots=True)
class Flavor:
    """A flavor. `is_broken`: servers of it go to ERROR. `is_stuck`: servers of it stay in BUILD."""

    name: str
    vcpus: int
    memory_mb: int
    is_broken: bool = False
    is_stuck: bool = False

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
)


def find_flavor(name: str) -> Flavor | None:
    """Return the flavor of that name or id."""
    return next((flavor for flavor in FLAVORS if name in (flavor.name, flavor.id)), None)
