"""The flavors of the cloud."""

from __future__ import annotations

from dataclasses import dataclass

from guestagent.embedded.host.identifiers import build_fixed_id


@dataclass(frozen=True, slots=True)
class Flavor:
    name: str
    vcpus: int
    memory_mb: int

    @property
    def id(self) -> str:
        return build_fixed_id("flavor", self.name)


BROKEN_FLAVOR, STUCK_FLAVOR = "broken", "stuck"
FLAVORS = (
    Flavor("m1.tiny", 1, 128),
    Flavor("m1.small", 1, 256),
    Flavor("m1.medium", 2, 512),
    Flavor("m1.large", 4, 1024),
    Flavor(BROKEN_FLAVOR, 1, 128),  # its servers go to ERROR
    Flavor(STUCK_FLAVOR, 1, 128),  # its servers stay in BUILD
)


def find_flavor(name: str) -> Flavor | None:
    """Return the flavor of that name or id."""
    return next((flavor for flavor in FLAVORS if name in (flavor.name, flavor.id)), None)
