"""The next page of a list, as Nova, Cinder, Neutron and Glance lead to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from guestagent.resources.natives.list_pages import (
    FULL_PAGE_ENTRIES,
    ListPage,
    continue_after_marker,
    continue_at_offset,
    follow_link,
)

FIRST = ListPage({"limit": "1000"})
ENTRIES = [{"id": "a"}, {"id": "b"}]
FULL = [{"id": f"id-{number}"} for number in range(FULL_PAGE_ENTRIES)]


def build_links(key: str, *relations: str) -> Mapping[str, Any]:
    return {key: [{"rel": each, "href": f"http://inside/x?marker=b&limit=2&is={each}"} for each in relations]}


@pytest.mark.parametrize("key", ["servers_links", "volume_type_links", "ports_links"])
def test_the_link_to_the_next_page_is_followed(key: str) -> None:
    page = follow_link(FIRST, build_links(key, "previous", "next"), ENTRIES)

    assert page == ListPage({"limit": "2", "marker": "b", "is": "next"}, 2)


def test_glances_link_is_followed() -> None:
    assert follow_link(FIRST, {"next": "/v2/images?marker=b"}, ENTRIES) == ListPage(
        {"limit": "1000", "marker": "b"}, 2
    )


@pytest.mark.parametrize("body", [{}, build_links("ports_links", "previous"), {"next": None}])
def test_without_a_link_to_it_there_is_no_next_page(body: Mapping[str, Any]) -> None:
    assert follow_link(FIRST, body, ENTRIES) is None


def test_an_empty_page_or_a_link_to_itself_ends_a_list() -> None:
    body = build_links("servers_links", "next")

    assert follow_link(FIRST, body, []) is None
    assert follow_link(ListPage({"marker": "b"}, 2), body, ENTRIES) is None


def test_a_list_without_links_is_continued_while_its_pages_may_be_full() -> None:
    last = FULL[-1]["id"]

    page = continue_after_marker(FIRST, {}, FULL)

    assert page == ListPage({"limit": "1000", "marker": last}, FULL_PAGE_ENTRIES)
    assert continue_after_marker(page, {}, ENTRIES) is None
    assert continue_after_marker(page, {}, FULL) is None


def test_a_list_without_markers_is_continued_at_its_number() -> None:
    page = continue_at_offset(ListPage(), {}, FULL)

    assert page == ListPage({"offset": str(FULL_PAGE_ENTRIES)}, FULL_PAGE_ENTRIES)
    assert continue_at_offset(page, {}, FULL) == ListPage(
        {"offset": str(2 * FULL_PAGE_ENTRIES)}, 2 * FULL_PAGE_ENTRIES
    )
    assert continue_at_offset(page, {}, ENTRIES) is None
