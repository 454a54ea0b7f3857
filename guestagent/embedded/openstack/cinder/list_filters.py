"""The filters of Cinder's list of volumes."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from guestagent.embedded.openstack.cinder.errors import VolumeRefused
from guestagent.embedded.openstack.cinder.volumes import StoredVolume

FILTERS = ("name", "status", "metadata", "bootable", "migration_status", "availability_zone", "group_id")
NO_FILTERS = frozenset({"sort", "sort_key", "sort_dir", "all_tenants", "with_count"})


def check_filters(query: Mapping[str, str]) -> None:
    """Refuse a filter that is not one of this cloud."""
    unknown = [key for key in query if key not in FILTERS and key not in NO_FILTERS]
    if unknown:
        raise VolumeRefused(f"Invalid filters {','.join(unknown)} are found in query options.")


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
    return all(query.get(key, value) == value for key, value in shown.items()) and _has_metadata(
        volume, query
    )


def _has_metadata(volume: StoredVolume, query: Mapping[str, str]) -> bool:
    """Whether a volume has the metadata that a query writes as Python does. No volume matches anything else."""
    if "metadata" not in query:
        return True
    try:
        wanted = ast.literal_eval(query["metadata"])
    except (ValueError, SyntaxError):
        return False
    return isinstance(wanted, dict) and wanted.items() <= volume.metadata.items()
