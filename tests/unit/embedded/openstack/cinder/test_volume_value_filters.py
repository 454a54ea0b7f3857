"""Filters of the embedded Cinder whose values are no texts."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from guestagent.embedded.openstack.cinder.errors import VolumeRefused
from guestagent.embedded.openstack.cinder.list_filters import check_filters
from guestagent.embedded.openstack.cinder.value_filters import matches_size, matches_time

TIME = datetime(2026, 11, 30, 10, 0, 0, 5, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("value", "matches"),
    [
        ("gt:2026-11-30T09:59:59", True),
        ("eq:2026-11-30T10:00:00.000000", True),
        ("neq:2026-11-30T10:00:00Z", False),
        ("gte:2026-11-30T10:00:00,lt:2026-11-30T10:00:00", False),
        ("lte:2026-11-30T11:00:00+01:00", True),
    ],
)
def test_times_are_compared_in_whole_seconds(value: str, matches: bool) -> None:
    assert matches_time(TIME, value) is matches


@pytest.mark.parametrize(("value", "matches"), [("1", True), ("2", False), ("rubbish", False)])
def test_a_size_is_a_number(value: str, matches: bool) -> None:
    assert matches_size(1, value) is matches


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("created_at", "2026", "Invalid 2026 operator"),
        ("updated_at", "lt:rubbish", "Invalid rubbish value"),
        ("consumes_quota", "maybe", "Value 'maybe' for 'use_quota' is not a boolean."),
        ("colour", "red", "Invalid filters colour are found in query options."),
    ],
)
def test_what_makes_no_sense_is_refused_without_any_volume(key: str, value: str, message: str) -> None:
    with pytest.raises(VolumeRefused) as caught:
        check_filters({key: value})

    assert str(caught.value) == message


def test_the_filters_of_debian_are_taken() -> None:
    check_filters({"size": "1", "created_at": "gt:2020-01-01T00:00:00", "consumes_quota": "true"})
