"""The document of a wanted cluster in the store."""

from __future__ import annotations

import json
from dataclasses import replace
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestagent.controller.seed import NodeSeed
from guestagent.errors import StorageError
from guestagent.resources.following import Admission, FollowedSource
from guestagent.resources.rule import build_rule
from guestagent.resources.wanted import WantedCluster, WantedVolume
from guestagent.resources.wanted_document import WANTED_VERSION, dump_wanted, load_wanted
from tests.unit.resources.clusters import build_instance, build_wanted

TEXTS = st.text(min_size=1, max_size=20)
INSTANCES = st.builds(
    build_instance,
    st.just("Slave0003"),
    flavor=TEXTS,
    previous_flavor=st.none() | TEXTS,
    zone=st.none() | TEXTS,
    generation=st.integers(1, 9),
    volume=st.builds(WantedVolume, st.integers(1, 99), st.none() | TEXTS),
    seed=st.none()
    | st.builds(NodeSeed, st.integers(1, 99), st.integers(1, 9), st.none() | st.integers(0, 2**40)),
)
RULES = st.frozensets(
    st.builds(
        build_rule,
        st.none() | st.ip_addresses().map(ip_network),
        st.sampled_from(["tcp", "udp"]),
        st.none() | st.integers(1, 65535),
    )
)
CLUSTERS = st.builds(
    build_wanted,
    instances=st.lists(INSTANCES, max_size=3).map(tuple),
    groups=st.dictionaries(TEXTS, RULES, max_size=2),
    subnet=st.none() | TEXTS,
    admissions=st.lists(st.builds(Admission, TEXTS, TEXTS, TEXTS), max_size=2).map(tuple),
    followed=st.none()
    | st.builds(
        FollowedSource,
        cluster=TEXTS,
        cluster_id=TEXTS,
        key_id=TEXTS,
        address=TEXTS,
        tls=st.none() | st.dictionaries(TEXTS, st.booleans() | TEXTS, max_size=2),
    ),
    settings=st.dictionaries(TEXTS, st.integers() | st.booleans() | TEXTS, max_size=2),
)


@given(CLUSTERS)
def test_a_written_cluster_is_read_as_the_same(cluster: WantedCluster) -> None:
    assert load_wanted(dump_wanted(cluster)) == cluster


def test_equal_clusters_have_equal_texts() -> None:
    groups = build_wanted().groups
    rules = [*groups["database"]]

    reordered = replace(build_wanted(), groups={"database": frozenset(reversed(rules))})

    assert dump_wanted(reordered) == dump_wanted(build_wanted())


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 1}', '{"version": "1"}', "null"])
def test_a_damaged_document_is_an_error_of_the_store(text: str) -> None:
    with pytest.raises(StorageError, match="cannot be read"):
        load_wanted(text)


def test_a_document_of_a_newer_version_is_not_guessed_at() -> None:
    with pytest.raises(StorageError, match="newer guestagent"):
        load_wanted(json.dumps({"version": WANTED_VERSION + 1}))
