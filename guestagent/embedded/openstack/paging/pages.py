"""How Nova, Cinder, Neutron and Glance divide a list into pages. Pure.

A page is cut from the whole list. Each service has its own words for the next one, and some lists have none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

PAGING_KEYS = ("limit", "marker", "offset")
WRONG_NUMBER = "Invalid input for query parameters {0}. Value: {1}. {1!r} does not match '^[0-9]*$'"
IGNORED = 200
"""The status of a list that begins anew if there is no row with the marker."""
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PagedList:
    """A list of a service. `path` matches its path, `rows` is the key of its rows in the body.

    `links` is the key of the links to other pages ("": the body has none), `marker` the attribute after whose value a
    page begins. `limit` is the longest page, and `default` that of a request without a limit; None: everything.
    `has_empty_pages`: a limit of 0 is a limit.
    `wrong_limits` are the refusals of a limit below zero, and of one that is no number.
    """

    path: str
    rows: str
    links: str
    marker: str = "id"
    limit: int | None = 1000
    default: int | None = 1000
    unknown_marker_status: int = 400
    unknown_marker: str = "marker [{}] not found"
    wrong_limits: tuple[str, str] = (WRONG_NUMBER, WRONG_NUMBER)
    has_previous: bool = False
    is_sorted: bool = False
    has_empty_pages: bool = False


def _list_neutron(*names: str, unknown_marker_status: int = 404) -> list[PagedList]:
    return [
        PagedList(
            rf"/network/v2\.0/{name}(\.json)?",
            name.replace("-", "_"),
            f"{name.replace('-', '_')}_links",
            limit=None,
            default=None,
            unknown_marker_status=unknown_marker_status,
            has_previous=True,
            is_sorted=True,
        )
        for name in names
    ]


def _list_cinder(path: str, rows: str, links: str, unknown_marker: str) -> PagedList:
    return PagedList(
        rf"/volume/v3/[^/]+/{path}",
        rows,
        links,
        unknown_marker_status=404,
        unknown_marker=unknown_marker,
        wrong_limits=("limit param must be positive", "limit param must be an integer"),
    )


PAGED_LISTS: Sequence[PagedList] = (
    PagedList(r"/v2\.1/servers(/detail)?", "servers", "servers_links", has_empty_pages=True),
    PagedList(r"/v2\.1/flavors(/detail)?", "flavors", "flavors_links"),
    PagedList(r"/v2\.1/os-keypairs", "keypairs", "keypairs_links", marker="name"),
    PagedList(r"/v2\.1/os-server-groups", "server_groups", ""),
    PagedList(
        r"/v2\.1/servers/[^/]+/os-instance-actions",
        "instanceActions",
        "links",
        marker="request_id",
        unknown_marker="Marker None could not be found.",
    ),
    _list_cinder("volumes(/detail)?", "volumes", "volumes_links", "Volume {} could not be found."),
    _list_cinder("attachments(/detail)?", "attachments", "", "Volume attachment {} could not be found."),
    _list_cinder("messages", "messages", "messages_links", "Message {} could not be found."),
    _list_cinder("types", "volume_types", "volume_type_links", "Volume type {} could not be found."),
    *_list_neutron("networks", "ports"),
    *_list_neutron("subnets", "security-groups", "security-group-rules", unknown_marker_status=IGNORED),
    PagedList("/image/v2/images", "images", "next", default=25, unknown_marker_status=404),
)


def find_list(path: str) -> PagedList | None:
    """Return the list that a path names."""
    return next((each for each in PAGED_LISTS if re.fullmatch(each.path, path)), None)


def drop_paging(query: str) -> str:
    """Return a query without what selects a page."""
    pairs = parse_qsl(query, keep_blank_values=True)
    return urlencode([(key, value) for key, value in pairs if key not in PAGING_KEYS])


def read_paging(listed: PagedList, query: str) -> dict[str, str]:
    """Return what selects a page. ValueError: a limit or an offset is no number."""
    paging = {key: value for key, value in parse_qsl(query) if key in PAGING_KEYS}
    if not (limit := paging.get("limit", "0")).isdecimal():
        below_zero, no_number = listed.wrong_limits
        raise ValueError(
            (below_zero if limit.removeprefix("-").isdecimal() else no_number).format("limit", limit)
        )
    if not (offset := paging.get("offset", "0")).isdecimal():
        raise ValueError(WRONG_NUMBER.format("offset", offset))
    return paging


def cut_page(
    listed: PagedList, rows: Sequence[Row], paging: Mapping[str, str], page_limit: int | None
) -> tuple[Sequence[Row], bool]:
    """Return the page that was asked for, and whether the service shows a link to a next one.

    `page_limit` is the longest page instead of the service's own. LookupError: there is no row with the marker.
    """
    limit = choose_limit(listed, paging, page_limit)
    if listed.is_sorted and limit is not None:
        rows = sorted(rows, key=lambda row: find_marker(listed, row))
    start = int(paging.get("offset", "0"))
    if "marker" in paging:
        markers = [find_marker(listed, row) for row in rows]
        if paging["marker"] in markers:
            start = markers.index(paging["marker"]) + 1
        elif listed.unknown_marker_status != IGNORED:
            raise LookupError(listed.unknown_marker.format(paging["marker"]))
    page = rows[start:] if limit is None else rows[start : start + limit]
    return page, bool(page) and len(page) == limit


def choose_limit(listed: PagedList, paging: Mapping[str, str], page_limit: int | None) -> int | None:
    """Return the length of a page; None: everything."""
    asked = int(paging.get("limit", "0"))
    longest = page_limit or listed.limit
    if listed.has_empty_pages and paging.get("limit") == "0":
        return 0
    if not asked:
        return page_limit or listed.default
    return asked if longest is None else min(asked, longest)


def find_marker(listed: PagedList, row: Row) -> str:
    """Return the value by which a page begins after this row."""
    nested = row if listed.marker in row else next(iter(row.values()))
    return str(nested[listed.marker])
