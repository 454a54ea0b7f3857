"""Reads a project's quotas, and what it has by name. What a member may not read is left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from ipaddress import ip_address
from typing import Any, Protocol

from guestagent.errors import CloudRequestRefused, CloudUnreachable
from guestagent.resources.natives.http_calls import COMPUTE, IMAGE, NETWORK, VOLUME
from guestagent.resources.natives.inventory import (
    CloudFlavor,
    CloudImage,
    CloudSubnet,
    CloudVolumeType,
    NamedThing,
    ProjectInventory,
    QuotaUsage,
)
from guestagent.resources.operation import RefusalCode

Entry = Mapping[str, Any]
UNREADABLE_CODES = frozenset({RefusalCode.FORBIDDEN, RefusalCode.NOT_FOUND})
COMPUTE_LIMITS = {
    "instances": ("maxTotalInstances", "totalInstancesUsed"),
    "cores": ("maxTotalCores", "totalCoresUsed"),
    "ram_mib": ("maxTotalRAMSize", "totalRAMUsed"),
}
VOLUME_LIMITS = {
    "volumes": ("maxTotalVolumes", "totalVolumesUsed"),
    "gigabytes": ("maxTotalVolumeGigabytes", "totalGigabytesUsed"),
}
NETWORK_QUOTAS = {"ports": "port", "security_groups": "security_group", "rules": "security_group_rule"}


class ProjectPages(Protocol):
    """GETs of a project. A refusal is raised as CloudRequestRefused, no answer as CloudUnreachable."""

    def list_entries(self, service: str, path: str, key: str) -> Iterable[Entry]: ...
    def get_entry(self, service: str, path: str, key: str) -> Entry | None: ...


def read_inventory(pages: ProjectPages, project_id: str) -> ProjectInventory:
    """Read everything, one request after another. Raise CloudUnreachable for an answer that is none."""
    try:
        return _read_inventory(pages, project_id)
    except (KeyError, TypeError, ValueError) as error:
        raise CloudUnreachable(f"an answer about the project is none of its service's: {error!r}") from error


def _read_inventory(pages: ProjectPages, project_id: str) -> ProjectInventory:
    rows = [*pages.list_entries(NETWORK, "/subnets", "subnets")]
    subnets = [_read_subnet(each) for each in rows]
    default_type = _read_optional(lambda: pages.get_entry(VOLUME, "/types/default", "volume_type"))
    return ProjectInventory(
        quotas={
            **_read_limits(pages, COMPUTE, COMPUTE_LIMITS),
            **_read_limits(pages, VOLUME, VOLUME_LIMITS),
            **_read_network_quotas(pages, project_id),
        },
        flavors=tuple(
            _read_flavor(each) for each in pages.list_entries(COMPUTE, "/flavors/detail", "flavors")
        ),
        images=tuple(_read_image(each) for each in pages.list_entries(IMAGE, "/images", "images")),
        key_pairs=frozenset(
            str(each["keypair"]["name"]) for each in pages.list_entries(COMPUTE, "/os-keypairs", "keypairs")
        ),
        compute_zones=_read_zones(pages, COMPUTE),
        volume_zones=_read_zones(pages, VOLUME),
        volume_types=tuple(_read_type(each) for each in pages.list_entries(VOLUME, "/types", "volume_types")),
        default_type=None if default_type is None else str(default_type["id"]),
        networks=tuple(_read_named(each) for each in pages.list_entries(NETWORK, "/networks", "networks")),
        subnets=tuple(subnets),
        addresses=_count_pool_addresses(pages, rows)
        | _read_addresses(pages, {each.network_id for each in subnets}),
        extensions=_read_extensions(pages),
    )


def _read_optional(read: Callable[[], Any]) -> Any:
    """Return what `read` returns, or None if a member may not read it, or the cloud does not have it."""
    try:
        return read()
    except CloudRequestRefused as error:
        if error.code in UNREADABLE_CODES:
            return None
        raise


def _read_limits(
    pages: ProjectPages, service: str, names: Mapping[str, tuple[str, str]]
) -> dict[str, QuotaUsage]:
    limits = _read_optional(lambda: pages.get_entry(service, "/limits", "limits"))
    absolute = {} if limits is None else limits["absolute"]
    return {
        name: QuotaUsage(int(absolute[limit]), int(absolute[used]))
        for name, (limit, used) in names.items()
        if limit in absolute and used in absolute
    }


def _read_network_quotas(pages: ProjectPages, project_id: str) -> dict[str, QuotaUsage]:
    quota = _read_optional(lambda: pages.get_entry(NETWORK, f"/quotas/{project_id}/details", "quota"))
    rows = {} if quota is None else quota
    return {
        name: QuotaUsage(
            int(rows[key]["limit"]), int(rows[key]["used"]) + int(rows[key].get("reserved") or 0)
        )
        for name, key in NETWORK_QUOTAS.items()
        if key in rows
    }


def _read_zones(pages: ProjectPages, service: str) -> frozenset[str] | None:
    rows = _read_optional(
        lambda: [*pages.list_entries(service, "/os-availability-zone", "availabilityZoneInfo")]
    )
    if rows is None:
        return None
    return frozenset(str(each["zoneName"]) for each in rows if each["zoneState"]["available"])


def _read_addresses(pages: ProjectPages, network_ids: Iterable[str]) -> dict[str, int]:
    """Read the free addresses of each subnet. By Neutron's default policy only administrators may."""
    free: dict[str, int] = {}
    for network_id in sorted(network_ids):
        read = partial(
            pages.get_entry, NETWORK, f"/network-ip-availabilities/{network_id}", "network_ip_availability"
        )
        network = _read_optional(read)
        for subnet in () if network is None else network["subnet_ip_availability"]:
            free[str(subnet["subnet_id"])] = int(subnet["total_ips"]) - int(subnet["used_ips"])
    return free


def _count_pool_addresses(pages: ProjectPages, subnets: Iterable[Entry]) -> dict[str, int]:
    """Count what each subnet can have at most: its pools without the ports that the project sees."""
    ports = pages.list_entries(NETWORK, "/ports", "ports")
    used = Counter(str(each["subnet_id"]) for port in ports for each in port.get("fixed_ips") or ())
    return {
        str(subnet["id"]): sum(
            int(ip_address(pool["end"])) - int(ip_address(pool["start"])) + 1
            for pool in subnet["allocation_pools"]
        )
        - used[str(subnet["id"])]
        for subnet in subnets
        if subnet.get("allocation_pools")
    }


def _read_extensions(pages: ProjectPages) -> frozenset[str] | None:
    rows = _read_optional(lambda: [*pages.list_entries(NETWORK, "/extensions", "extensions")])
    return None if rows is None else frozenset(str(each["alias"]) for each in rows)


def _read_named(entry: Entry) -> NamedThing:
    return NamedThing(id=str(entry["id"]), name=str(entry.get("name") or ""))


def _read_flavor(entry: Entry) -> CloudFlavor:
    return CloudFlavor(
        id=str(entry["id"]),
        name=str(entry["name"]),
        cores=int(entry["vcpus"]),
        ram_mib=int(entry["ram"]),
        disk_gib=int(entry["disk"]),
    )


def _read_image(entry: Entry) -> CloudImage:
    return CloudImage(
        id=str(entry["id"]),
        name=str(entry.get("name") or ""),
        status=str(entry["status"]),
        min_disk_gib=int(entry.get("min_disk") or 0),
        min_ram_mib=int(entry.get("min_ram") or 0),
    )


def _read_type(entry: Entry) -> CloudVolumeType:
    """Read a type. Cinder shows the specification of multiattach to members, too."""
    specs = entry.get("extra_specs") or {}
    return CloudVolumeType(
        id=str(entry["id"]),
        name=str(entry["name"]),
        is_multiattach=str(specs.get("multiattach", "")).lower() == "<is> true",
    )


def _read_subnet(entry: Entry) -> CloudSubnet:
    return CloudSubnet(
        id=str(entry["id"]), name=str(entry.get("name") or ""), network_id=str(entry["network_id"])
    )
