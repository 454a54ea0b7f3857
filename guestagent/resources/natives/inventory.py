"""What a project has room for, and what it can be asked for by name, as values. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

UNLIMITED = -1


@dataclass(frozen=True, slots=True)
class QuotaUsage:
    """A quota of the project. Services write -1 for no limit."""

    limit: int
    used: int

    def can_take(self, count: int) -> bool:
        return self.limit == UNLIMITED or self.used + count <= self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedThing:
    """What orders call by its name or its id."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudFlavor(NamedThing):
    """A flavor. A disk of 0 GiB is as large as the image needs it."""

    cores: int
    ram_mib: int
    disk_gib: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudImage(NamedThing):
    """An image. `status` is Glance's word."""

    status: str = "active"
    min_disk_gib: int = 0
    min_ram_mib: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudVolumeType(NamedThing):
    """A volume type. Volumes of a multiattach type can be at two servers."""

    is_multiattach: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudSubnet(NamedThing):
    """A subnet of a network."""

    network_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectInventory:
    """A project before something is made. What a member may not read is missing, and is not checked.

    `quotas` are by name: instances, cores, ram_mib, volumes, gigabytes, ports, security_groups, rules. `addresses` is
    how many each subnet has left at most, by its id. `default_type` is the volume type of an order without one.
    """

    quotas: Mapping[str, QuotaUsage] = field(default_factory=dict)
    flavors: tuple[CloudFlavor, ...] = ()
    images: tuple[CloudImage, ...] = ()
    key_pairs: frozenset[str] = frozenset()
    compute_zones: frozenset[str] | None = None
    volume_zones: frozenset[str] | None = None
    volume_types: tuple[CloudVolumeType, ...] = ()
    default_type: str | None = None
    networks: tuple[NamedThing, ...] = ()
    subnets: tuple[CloudSubnet, ...] = ()
    addresses: Mapping[str, int] = field(default_factory=dict)
    extensions: frozenset[str] | None = None


Thing = TypeVar("Thing", bound=NamedThing)


def find_named(things: Sequence[Thing], name: str) -> Sequence[Thing]:
    """Return what has this id, or else everything that has this name."""
    by_id = [each for each in things if each.id == name]
    return by_id or [each for each in things if each.name == name]
