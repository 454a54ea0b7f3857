"""For what the creation of a cluster would fail, by a look at the project: all of it at once. Pure.

A finding has the code with which the operation would fail.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from guestagent.resources.natives.inventory import CloudFlavor, ProjectInventory, Thing, find_named
from guestagent.resources.operation import RefusalCode
from guestagent.resources.views import PreflightFinding
from guestagent.resources.wanted import WantedCluster, WantedInstance

SPARE_RULES = 1
"""A rule gets another network by a second rule, before the first one is deleted."""
DEFAULT_RULES = 2
"""Neutron makes a new group with a rule for each family that lets everything out."""
NEEDED_EXTENSIONS = frozenset({"security-group"})


def find_preflight_problems(
    wanted: WantedCluster, inventory: ProjectInventory
) -> tuple[PreflightFinding, ...]:
    """Return everything for which the creation would fail, each once."""
    findings = chain(
        *(_check_instance(instance, inventory) for instance in wanted),
        _check_key_pair(wanted, inventory),
        _check_network(wanted, inventory),
        _check_extensions(inventory),
        _check_quotas(wanted, inventory),
    )
    return tuple(dict.fromkeys(findings))


def _check_instance(instance: WantedInstance, inventory: ProjectInventory) -> Iterator[PreflightFinding]:
    flavors = find_named(inventory.flavors, instance.flavor)
    images = find_named(inventory.images, instance.image)
    yield from _require_one("flavor", instance.flavor, flavors)
    yield from _require_one("image", instance.image, images)
    if len(images) == 1 and images[0].status != "active":
        yield _refuse(RefusalCode.REFUSED, f"image {instance.image} is {images[0].status}")
    if len(images) == len(flavors) == 1:
        flavor, image = flavors[0], images[0]
        if 0 < flavor.disk_gib < image.min_disk_gib:
            text = f"its disk of {flavor.disk_gib} GiB is smaller than the {image.min_disk_gib} GiB"
            yield _refuse(
                RefusalCode.REFUSED, f"flavor {instance.flavor}: {text} that image {instance.image} needs"
            )
        if flavor.ram_mib < image.min_ram_mib:
            text = f"its memory of {flavor.ram_mib} MiB is less than the {image.min_ram_mib} MiB"
            yield _refuse(
                RefusalCode.REFUSED, f"flavor {instance.flavor}: {text} that image {instance.image} needs"
            )
    yield from _check_zone(instance, inventory)
    yield from _check_volume_type(instance, inventory)


def _check_zone(instance: WantedInstance, inventory: ProjectInventory) -> Iterator[PreflightFinding]:
    zones = {"Nova": inventory.compute_zones, "Cinder": inventory.volume_zones}
    for service, known in zones.items():
        if instance.zone is not None and known is not None and instance.zone not in known:
            names = ", ".join(sorted(known)) or "none"
            yield _refuse(RefusalCode.NOT_FOUND, f"{service} has no zone {instance.zone}; it has: {names}")


def _check_volume_type(instance: WantedInstance, inventory: ProjectInventory) -> Iterator[PreflightFinding]:
    name = instance.volume.volume_type or inventory.default_type
    if name is None:
        return
    types = find_named(inventory.volume_types, name)
    if instance.volume.volume_type is not None:
        yield from _require_one("volume type", name, types)
    if any(each.is_multiattach for each in types):
        yield _refuse(
            RefusalCode.UNSUPPORTED,
            f"volume type {name} allows multiattach: two databases could have one volume. Choose another type",
        )


def _check_key_pair(wanted: WantedCluster, inventory: ProjectInventory) -> Iterator[PreflightFinding]:
    if wanted.key_pair is not None and wanted.key_pair not in inventory.key_pairs:
        names = ", ".join(sorted(inventory.key_pairs)) or "none"
        yield _refuse(RefusalCode.NOT_FOUND, f"there is no key pair {wanted.key_pair}; there are: {names}")


def _check_network(wanted: WantedCluster, inventory: ProjectInventory) -> Iterator[PreflightFinding]:
    networks = find_named(inventory.networks, wanted.network) if wanted.network else ()
    subnets = find_named(inventory.subnets, wanted.subnet) if wanted.subnet is not None else ()
    if wanted.network:
        yield from _require_one("network", wanted.network, networks)
    if wanted.subnet is not None:
        yield from _require_one("subnet", wanted.subnet, subnets)
    if len(networks) == len(subnets) == 1 and subnets[0].network_id != networks[0].id:
        yield _refuse(RefusalCode.REFUSED, f"subnet {wanted.subnet} is none of network {wanted.network}")
    used = subnets or [
        each for each in inventory.subnets if any(each.network_id == one.id for one in networks)
    ]
    known = [inventory.addresses[each.id] for each in used if each.id in inventory.addresses]
    if used and len(known) == len(used) and sum(known) < len(wanted.instances):
        text = f"{len(wanted.instances)} free addresses are needed, and there are {sum(known)}"
        yield _refuse(RefusalCode.NO_CAPACITY, f"network {wanted.network or wanted.subnet}: {text}")


def _check_extensions(inventory: ProjectInventory) -> Iterator[PreflightFinding]:
    if inventory.extensions is not None:
        for alias in sorted(NEEDED_EXTENSIONS - inventory.extensions):
            yield _refuse(RefusalCode.UNSUPPORTED, f"Neutron does not have the extension {alias}")


def _check_quotas(wanted: WantedCluster, inventory: ProjectInventory) -> Iterator[PreflightFinding]:
    flavors = _list_flavors(wanted, inventory)
    rules = sum(len(each) + DEFAULT_RULES for each in wanted.groups.values())
    needed = {
        "instances": len(wanted.instances),
        "cores": sum(flavor.cores for flavor in flavors),
        "ram_mib": sum(flavor.ram_mib for flavor in flavors),
        "volumes": len(wanted.instances),
        "gigabytes": sum(instance.volume.size_gib for instance in wanted),
        "ports": len(wanted.instances),
        "security_groups": len(wanted.groups),
        "rules": rules + SPARE_RULES,
    }
    for name, count in needed.items():
        quota = inventory.quotas.get(name)
        if quota is not None and not quota.can_take(count):
            spare = " (one in spare, for changes)" if name == "rules" else ""
            text = f"{count} more are needed{spare}, {quota.used} of {quota.limit} are used"
            yield _refuse(RefusalCode.QUOTA, f"quota of {name}: {text}")


def _list_flavors(wanted: WantedCluster, inventory: ProjectInventory) -> list[CloudFlavor]:
    found = (find_named(inventory.flavors, instance.flavor) for instance in wanted)
    return [flavors[0] for flavors in found if len(flavors) == 1]


def _require_one(kind: str, name: str, found: Sequence[Thing]) -> Iterator[PreflightFinding]:
    if not found:
        yield _refuse(RefusalCode.NOT_FOUND, f"there is no {kind} {name}")
    elif len(found) > 1:
        yield _refuse(RefusalCode.INVALID, f"{len(found)} {kind}s are called {name}: give the id")


def _refuse(code: RefusalCode, message: str) -> PreflightFinding:
    return PreflightFinding(code, message)
