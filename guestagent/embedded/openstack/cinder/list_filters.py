"""The filters of Cinder's list of volumes."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from datetime import datetime

from guestagent.embedded.host.clock import get_utc_time
from guestagent.embedded.openstack.cinder.errors import VolumeRefused
from guestagent.embedded.openstack.cinder.value_filters import matches_size, matches_time, read_truth
from guestagent.embedded.openstack.cinder.volumes import StoredVolume

TIME_FILTERS = ("created_at", "updated_at")
FILTERS = (
    *("name", "status", "metadata", "bootable", "migration_status", "availability_zone", "group_id"),
    *("size", *TIME_FILTERS, "consumes_quota"),
)
"""Those of Debian's resource_filters.json."""
NO_FILTERS = frozenset({"sort", "sort_key", "sort_dir", "all_tenants", "with_count"})


def check_filters(query: Mapping[str, str]) -> None:
    """Refuse a filter that is not one of this cloud, or whose value is none, even if there is no volume."""
    unknown = [key for key in query if key not in FILTERS and key not in NO_FILTERS]
    if unknown:
        raise VolumeRefused(f"Invalid filters {','.join(unknown)} are found in query options.")
    _matches_values(1, get_utc_time(), query)


def matches_filters(volume: StoredVolume, query: Mapping[str, str]) -> bool:
    """Whether a volume matches every filter."""
    shown = {
        "name": volume.name,
        "status": volume.status,
        "bootable": "false",
        "availability_zone": volume.zone,
        "migration_status": "",
        "group_id": "",
    }
    return (
        all(query.get(key, value) == value for key, value in shown.items())
        and _matches_values(volume.size_gib, volume.created, query)
        and _has_metadata(volume, query)
    )


def _matches_values(size_gib: int, created: datetime, query: Mapping[str, str]) -> bool:
    """Whether a volume is as the filters want it whose values are no texts. Every volume consumes the quota."""
    consumes_quota = "consumes_quota" not in query or read_truth("use_quota", query["consumes_quota"])
    matches = [matches_time(created, query[key]) for key in TIME_FILTERS if key in query]
    has_size = "size" not in query or matches_size(size_gib, query["size"])
    return consumes_quota and all(matches) and has_size


def _has_metadata(volume: StoredVolume, query: Mapping[str, str]) -> bool:
    """Whether a volume has the metadata that a query writes as Python does. No volume matches anything else."""
    if "metadata" not in query:
        return True
    try:
        wanted = ast.literal_eval(query["metadata"])
    except (ValueError, SyntaxError):
        return False
    return isinstance(wanted, dict) and wanted.items() <= volume.metadata.items()
