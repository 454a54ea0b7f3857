"""The filters of lists of servers. Pure."""

from __future__ import annotations

import re
from datetime import datetime

from starlette.datastructures import QueryParams

from guestagent.embedded.http.errors import ApiError, HTTPBadRequest
from guestagent.embedded.http.microversion import Microversion
from guestagent.embedded.openstack.nova.compute_server import ComputeServer

STRICT_VERSION = (2, 75)
"""From this on an unknown filter is an error."""
TAG_FILTERS = frozenset({"tags", "tags-any", "not-tags", "not-tags-any"})
FILTERS = TAG_FILTERS | {
    *("user_id", "project_id", "tenant_id", "launch_index", "image_ref", "image", "kernel_id", "ramdisk_id"),
    *(
        "hostname",
        "key_name",
        "power_state",
        "vm_state",
        "task_state",
        "host",
        "node",
        "flavor",
        "reservation_id",
    ),
    *("launched_at", "terminated_at", "availability_zone", "name", "display_name", "description"),
    *("display_description", "locked_by", "uuid", "root_device_name", "config_drive", "access_ip_v4"),
    *("access_ip_v6", "auto_disk_config", "progress", "sort_key", "sort_dir", "all_tenants", "soft_deleted"),
    *("deleted", "status", "changes-since", "changes-before", "ip", "ip6", "created_at", "locked", "limit"),
    *("marker", "block_device_mapping", "services", "metadata", "system_metadata", "info_cache"),
    *("security_groups", "pci_devices"),
}
"""Those that Nova knows. A member's list obeys few of them."""
STATUSES = frozenset(
    {
        *("ACTIVE", "BUILD", "DELETED", "ERROR", "HARD_REBOOT", "MIGRATING", "PASSWORD", "PAUSED", "REBOOT"),
        *("REBUILD", "RESCUE", "RESIZE", "REVERT_RESIZE", "SHELVED", "SHELVED_OFFLOADED", "SHUTOFF"),
        *("SOFT_DELETED", "SUSPENDED", "UNKNOWN", "VERIFY_RESIZE"),
    }
)


class FilterForbidden(ApiError):
    """A filter of the administrator."""

    status = 403


def check_list_query(query: QueryParams, version: Microversion, is_detailed: bool) -> None:
    """Refuse what Nova refuses to filter by."""
    unknown = [key for key in query if key not in FILTERS]
    if unknown and version >= STRICT_VERSION:
        raise HTTPBadRequest(f"{unknown[0]!r} does not match any of the regexes: '^_'")
    if query.get("all_tenants", "0").lower() not in {"0", "false"}:
        policy = f"os_compute_api:servers:{'detail' if is_detailed else 'index'}:get_all_tenants"
        raise FilterForbidden(f"Policy doesn't allow {policy} to be performed.")
    status = query.get("status")
    if status is not None and status.upper() not in STATUSES:
        raise HTTPBadRequest("Invalid status value")
    if status is not None and status.upper() == "DELETED":
        raise FilterForbidden("Only administrators may list deleted instances")


def matches_filters(server: ComputeServer, query: QueryParams) -> bool:
    """Compare with the filters: `name` is a regular expression without anchors."""
    return (
        re.search(query.get("name", ""), server.name) is not None
        and query.get("status", server.status).upper() == server.status
        and _matches_tags(set(server.tags), query)
        and _has_changed(server, query.get("changes-since"))
    )


def _matches_tags(tags: set[str], query: QueryParams) -> bool:
    wanted = {name: set(query[name].split(",")) for name in TAG_FILTERS if query.get(name)}
    return (
        wanted.get("tags", set()) <= tags
        and ("tags-any" not in wanted or bool(wanted["tags-any"] & tags))
        and ("not-tags" not in wanted or not wanted["not-tags"] <= tags)
        and not wanted.get("not-tags-any", set()) & tags
    )


def _has_changed(server: ComputeServer, since: str | None) -> bool:
    """Return whether a server has changed since then. A deleted one is only in lists of changes."""
    if since is None:
        return server.terminated is None
    try:
        time = datetime.fromisoformat(since.replace("Z", "+00:00"))
    except ValueError as error:
        raise HTTPBadRequest(
            f"Invalid input for query parameters changes-since. Value: {since}. {since!r} is not a 'date-time'"
        ) from error
    return (server.terminated or server.launched or server.created) >= time
