"""How to get from one page of a list to the next. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Query = Mapping[str, str]
NO_QUERY: Query = MappingProxyType({})
FULL_PAGE_ENTRIES = 100
"""A page of so many entries may be full. No cloud is known whose pages are shorter; 1000 entries are usual."""
LOST_MARKER_STATUSES = frozenset({400, 404})
"""Answers to a request for the page after an entry that has been deleted meanwhile."""


@dataclass(frozen=True, slots=True)
class ListPage:
    """A page: the query that asks for it, and the number of entries before it."""

    query: Query = field(default_factory=dict)
    entries_before: int = 0

    @property
    def is_later(self) -> bool:
        return self.entries_before > 0


FindNextPage = Callable[[ListPage, Mapping[str, Any], Sequence[Mapping[str, Any]]], "ListPage | None"]


def follow_link(
    page: ListPage, body: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]
) -> ListPage | None:
    """Follow the link in the body, whatever its key is: servers_links, volume_type_links, next.

    The address in it may be one inside the cloud, so only its query counts.
    """
    links = [link for key, value in body.items() if key.endswith("_links") for link in value]
    hrefs = [str(link["href"]) for link in links if link.get("rel") == "next"]
    hrefs += [str(body["next"])] if body.get("next") else []
    query = dict(parse_qsl(urlsplit(hrefs[0]).query)) if hrefs else {}
    if not entries or not query or query.get("marker") == page.query.get("marker"):
        return None
    return ListPage({**page.query, **query}, page.entries_before + len(entries))


def continue_after_marker(
    page: ListPage, body: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]
) -> ListPage | None:
    """Ask for what follows the last entry: Cinder's list of attachments ends at its limit without a link."""
    if len(entries) < FULL_PAGE_ENTRIES or page.query.get("marker") == entries[-1]["id"]:
        return None
    query = {**page.query, "marker": str(entries[-1]["id"])}
    return ListPage(query, page.entries_before + len(entries))


def continue_at_offset(
    page: ListPage, body: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]
) -> ListPage | None:
    """Ask for what follows so many entries: Nova's list of server groups has neither links nor markers."""
    if len(entries) < FULL_PAGE_ENTRIES:
        return None
    count = page.entries_before + len(entries)
    return ListPage({**page.query, "offset": str(count)}, count)
