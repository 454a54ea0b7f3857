"""Which servers a list shows, and which lists Nova refuses."""

from __future__ import annotations

from datetime import timedelta

import pytest
from starlette.datastructures import QueryParams

from guestagent.embedded.http.errors import HTTPBadRequest
from guestagent.embedded.openstack.glance.images import IMAGES
from guestagent.embedded.openstack.nova.compute_server import ComputeServer
from guestagent.embedded.openstack.nova.flavors import FLAVORS
from guestagent.embedded.openstack.nova.server_filters import (
    FilterForbidden,
    check_list_query,
    matches_filters,
)


def build_server(*tags: str) -> ComputeServer:
    return ComputeServer("db-1", FLAVORS[0], IMAGES[0], "", b"", status="ACTIVE", tags=tags)


@pytest.mark.parametrize(
    ("query", "is_listed"),
    [
        ("", True),
        ("name=b-", True),
        ("name=^b", False),
        ("status=active", True),
        ("status=ERROR", False),
        ("tags=one,two", True),
        ("tags=one,three", False),
        ("tags-any=one,three", True),
        ("tags-any=three", False),
        ("not-tags=one,two", False),
        ("not-tags=one,three", True),
        ("not-tags-any=one,three", False),
        ("not-tags-any=three", True),
        ("metadata={'a':'b'}", True),
    ],
)
def test_a_list_is_filtered(query: str, is_listed: bool) -> None:
    assert matches_filters(build_server("one", "two"), QueryParams(query)) is is_listed


def test_a_deleted_server_is_only_in_lists_of_changes() -> None:
    server = build_server()
    server.terminated = server.created + timedelta(hours=1)
    before, after = (server.terminated + timedelta(minutes=minutes) for minutes in (-1, 1))

    assert not matches_filters(server, QueryParams(""))
    assert matches_filters(server, QueryParams({"changes-since": before.isoformat()}))
    assert not matches_filters(server, QueryParams({"changes-since": after.isoformat()}))


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("colour=red", HTTPBadRequest),
        ("status=nonsense", HTTPBadRequest),
        ("status=deleted", FilterForbidden),
        ("all_tenants=1", FilterForbidden),
    ],
)
def test_some_filters_are_refused(query: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        check_list_query(QueryParams(query), (2, 75), is_detailed=True)


def test_an_unknown_filter_is_ignored_before_2_75() -> None:
    check_list_query(QueryParams("colour=red"), (2, 74), is_detailed=True)

    assert matches_filters(build_server(), QueryParams("colour=red"))
