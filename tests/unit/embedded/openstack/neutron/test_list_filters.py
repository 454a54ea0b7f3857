"""Filters and fields of Neutron's lists."""

from __future__ import annotations

import pytest

from guestagent.embedded.http.errors import HTTPBadRequest
from guestagent.embedded.openstack.neutron.list_filters import select_rows

ROWS = [
    {"id": "1", "name": "a", "fixed_ips": [{"ip_address": "10.0.0.7"}], "security_groups": ["g"]},
    {"id": "2", "name": "b", "fixed_ips": [{"ip_address": "10.0.0.8"}], "security_groups": []},
]
KEYS = frozenset(ROWS[0])


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ([], ["1", "2"]),
        ([("name", "a")], ["1"]),
        ([("id", "1"), ("id", "2")], ["1", "2"]),
        ([("name", "a"), ("id", "2")], []),
        ([("fixed_ips", "ip_address=10.0.0.8")], ["2"]),
        ([("security_groups", "g")], ["1"]),
        ([("sort_key", "name")], ["1", "2"]),
    ],
)
def test_a_row_matches_every_filter_by_one_of_its_values(
    query: list[tuple[str, str]], ids: list[str]
) -> None:
    assert [row["id"] for row in select_rows(ROWS, query, KEYS)] == ids


def test_only_the_fields_that_are_asked_for_are_shown() -> None:
    assert select_rows(ROWS, [("name", "a"), ("fields", "id")], KEYS) == [{"id": "1"}]


def test_an_unknown_filter_is_refused() -> None:
    with pytest.raises(HTTPBadRequest, match="'colour'"):
        select_rows(ROWS, [("colour", "red")], KEYS)
