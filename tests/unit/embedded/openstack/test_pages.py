"""Pages of lists, as each service cuts them."""

from __future__ import annotations

import pytest

from guestagent.embedded.openstack.paging.pages import cut_page, drop_paging, find_list, read_paging

SERVERS, PORTS = "/v2.1/servers/detail", "/network/v2.0/ports"
ROWS = [{"id": each} for each in "dbca"]


def read_page(path: str, query: str = "", page_limit: int | None = None) -> tuple[str, bool]:
    """Return the ids of a page, and whether there is a link to the next one."""
    listed = find_list(path)
    assert listed is not None
    page, has_next = cut_page(listed, ROWS, read_paging(listed, query), page_limit)
    return "".join(row["id"] for row in page), has_next


def test_a_list_that_is_shorter_than_a_page_is_whole() -> None:
    assert read_page(SERVERS) == ("dbca", False)
    assert read_page(PORTS) == ("dbca", False)


def test_a_full_page_has_a_link_even_if_nothing_follows() -> None:
    assert read_page(SERVERS, page_limit=2) == ("db", True)
    assert read_page(SERVERS, "marker=b", page_limit=2) == ("ca", True)
    assert read_page(SERVERS, "marker=a", page_limit=2) == ("", False)


def test_a_request_gets_no_more_than_the_longest_page() -> None:
    assert read_page(SERVERS, "limit=3", page_limit=2) == ("db", True)
    assert read_page(SERVERS, "limit=1", page_limit=2) == ("d", True)


def test_neutron_sorts_pages_by_id() -> None:
    assert read_page(PORTS, "limit=3") == ("abc", True)
    assert read_page(PORTS, "limit=3&marker=c") == ("d", False)


def test_server_groups_are_continued_by_their_number() -> None:
    assert read_page("/v2.1/os-server-groups", "offset=3", page_limit=2) == ("a", False)


def test_a_marker_that_is_gone_is_refused() -> None:
    with pytest.raises(LookupError, match=r"marker \[x\] not found"):
        read_page(SERVERS, "marker=x")


def test_lists_of_groups_begin_anew_after_a_marker_that_is_gone() -> None:
    assert read_page("/network/v2.0/security-groups", "limit=2&marker=x") == ("ab", True)


@pytest.mark.parametrize("query", ["limit=some", "limit=-1", "offset=x"])
def test_a_limit_is_a_number(query: str) -> None:
    with pytest.raises(ValueError, match="Invalid input"):
        read_page(SERVERS, query)


@pytest.mark.parametrize(("limit", "problem"), [("-1", "must be positive"), ("some", "must be an integer")])
def test_cinder_refuses_a_limit_with_words_of_its_own(limit: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        read_page("/volume/v3/project/volumes/detail", f"limit={limit}")


def test_filters_are_not_part_of_paging() -> None:
    assert drop_paging("name=a&limit=2&tags=x&marker=b&offset=1") == "name=a&tags=x"


def test_other_paths_have_no_pages() -> None:
    assert find_list("/v2.1/servers/7") is None
