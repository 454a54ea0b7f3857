"""What the fake cloud has room for, and what it has by name. Pure."""

from __future__ import annotations

from guestagent.resources.natives.fake_project import FakeProject
from guestagent.resources.natives.inventory import (
    CloudFlavor,
    CloudImage,
    CloudSubnet,
    CloudVolumeType,
    NamedThing,
    ProjectInventory,
    QuotaUsage,
)

FLAVORS = tuple(
    CloudFlavor(id=f"flavor-{number}", name=name, cores=number, ram_mib=1024 * number, disk_gib=10 * number)
    for number, name in enumerate(("m1.small", "m1.medium", "m1.large"), start=1)
)
IMAGES = tuple(
    CloudImage(id=f"image-{name}", name=f"guestagent-{name}", min_disk_gib=5) for name in ("mariadb", "mysql")
)


def find_flavor_name(flavor_id: str) -> str | None:
    """Return the name of the flavor with this id, or None."""
    return next((each.name for each in FLAVORS if each.id == flavor_id), None)


def build_inventory(project: FakeProject) -> ProjectInventory:
    """Return the inventory as it is now."""
    limits = project.limits
    gibibytes = sum(max(each.size_gib, each.wanted_gib) for each in project.volumes.values())
    rules = sum(len(group.rules) for group in project.groups.values())
    return ProjectInventory(
        quotas={
            "instances": QuotaUsage(limits.servers, len(project.servers)),
            "volumes": QuotaUsage(limits.volumes, len(project.volumes)),
            "gigabytes": QuotaUsage(limits.gibibytes, gibibytes),
            "ports": QuotaUsage(limits.ports, len(project.ports)),
            "security_groups": QuotaUsage(limits.groups, len(project.groups)),
            "rules": QuotaUsage(limits.rules, rules),
        },
        flavors=FLAVORS,
        images=IMAGES,
        compute_zones=frozenset({"nova"}),
        volume_zones=frozenset({"nova"}),
        volume_types=(CloudVolumeType(id="type-1", name="standard"),),
        default_type="standard",
        networks=(NamedThing(id="network-1", name="private"),),
        subnets=(CloudSubnet(id="subnet-1", name="private-subnet", network_id="network-1"),),
        addresses={"subnet-1": 250 - len(project.ports)},
        extensions=frozenset({"security-group"}),
    )
