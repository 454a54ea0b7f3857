"""Marks survive the way through the cloud, fit into its limits, and nothing else is taken for one."""

from __future__ import annotations

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestagent.resources.natives.marks import (
    NAME_LIMIT,
    TAG_COUNT_LIMIT,
    TAG_LIMIT,
    Mark,
    build_description,
    build_metadata,
    build_name,
    build_tags,
    parse_description,
    parse_metadata,
)
from guestagent.resources.store.records import ResourceKey, ResourceKind

INSTANCE_KEY = ResourceKey("shop", ResourceKind.SERVER, "Slave0001")
LONGEST_KEYS = [
    ResourceKey("c" * 40, kind, "I" * 40, epoch=999_999_999)
    for kind in (ResourceKind.SERVER, ResourceKind.VOLUME, ResourceKind.PORT)
] + [ResourceKey("c" * 40, ResourceKind.GROUP, name="g" * 40)]


def build_mark(key: ResourceKey = INSTANCE_KEY) -> Mark:
    return Mark(str(uuid4()), str(uuid4()), key)


@pytest.mark.parametrize(
    ("key", "name"),
    [
        (INSTANCE_KEY, "ga-shop-Slave0001-server"),
        (ResourceKey("shop", ResourceKind.VOLUME, "Slave0001", epoch=2), "ga-shop-Slave0001-e2-volume"),
        (ResourceKey("shop", ResourceKind.GROUP, name="database"), "ga-shop-database-group"),
    ],
)
def test_a_name_tells_people_what_a_resource_is(key: ResourceKey, name: str) -> None:
    assert build_name(key) == name


@given(
    st.sampled_from([ResourceKind.SERVER, ResourceKind.VOLUME]),
    st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,39}", fullmatch=True),
    st.integers(1, 999_999_999),
)
def test_metadata_give_the_mark_back(kind: ResourceKind, instance: str, epoch: int) -> None:
    mark = build_mark(ResourceKey("shop", kind, instance, epoch=epoch))

    assert parse_metadata({**build_metadata(mark), "owner": "somebody"}) == mark


@pytest.mark.parametrize(
    "key", [ResourceKey("shop", ResourceKind.PORT, "Master0000", epoch=3), LONGEST_KEYS[-1]]
)
def test_a_description_gives_the_mark_back(key: ResourceKey) -> None:
    mark = build_mark(key)

    assert parse_description(build_description(mark)) == mark


@pytest.mark.parametrize("key", LONGEST_KEYS, ids=lambda key: str(key.kind))
def test_the_longest_marks_fit(key: ResourceKey) -> None:
    mark = build_mark(key)
    tags = build_tags(mark)

    assert len(build_name(key)) <= NAME_LIMIT
    assert len(build_description(mark)) <= NAME_LIMIT
    assert all(len(text) <= NAME_LIMIT for pair in build_metadata(mark).items() for text in pair)
    assert len(tags) <= TAG_COUNT_LIMIT
    assert all(len(tag) <= TAG_LIMIT and not set(tag) & {",", "/"} for tag in tags)


@pytest.mark.parametrize(
    "changes",
    [
        {"guestagent:engine": "orchestrator"},
        {"guestagent:store": ""},
        {"guestagent:cluster": ""},
        {"guestagent:kind": "pool"},
        {"guestagent:epoch": "one"},
        {"guestagent:epoch": "٣"},
        {"guestagent:epoch": "9" * 5000},
    ],
)
def test_damaged_metadata_are_no_mark(changes: dict[str, str]) -> None:
    assert parse_metadata(build_metadata(build_mark()) | changes) is None


@given(st.text())
def test_any_other_description_is_no_mark(text: str) -> None:
    assert parse_description(text) is None
    assert parse_description(f"guestagent {text}") is None or text.count("/") == 6


def test_clusters_of_one_name_have_other_tags_and_marks() -> None:
    assert build_tags(build_mark()) != build_tags(build_mark())
    assert build_metadata(build_mark()) != build_metadata(build_mark())


@pytest.mark.parametrize(
    "cluster", ["", "x" * 41, "; reboot", "$(reboot)", "Shop", "shop\n", "-shop", "shop-"]
)
def test_a_mark_that_others_have_written_for_a_cluster_that_cannot_be_is_none(cluster: str) -> None:
    mark = build_mark(ResourceKey(cluster, ResourceKind.PORT, "Slave0001"))

    assert parse_metadata(build_metadata(mark)) is None
    assert parse_description(build_description(mark)) is None
