"""The endpoint while the key of a cluster is changed: old addresses lead to new ones, and prove nothing."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from guestagent.resources.endpoint.node_endpoint import NOT_FOUND
from guestagent.resources.endpoint.signed_path import PathPurpose
from guestagent.resources.store.records import ClusterChange
from guestagent.resources.wanted_document import dump_wanted
from tests.support.served_cluster import ServedCluster


@pytest.fixture
def shop() -> ServedCluster:
    return ServedCluster()


def rotate_with_a_new_key(shop: ServedCluster) -> dict[str, tuple[str, str]]:
    """Have a rotation under way, and return the addresses from before it."""
    purposes = (PathPurpose.BOOT, PathPurpose.RUN, PathPurpose.SIGNAL)
    old = {str(purpose): shop.sign("Slave0000", purpose) for purpose in purposes}
    shop.ring = shop.ring.add_key()
    shop.write(ClusterChange(wanted=dump_wanted(shop.wanted.rotate(shop.ring.newest))))
    return old


def test_addresses_from_before_a_new_key_lead_to_the_new_ones(shop: ServedCluster) -> None:
    old = rotate_with_a_new_key(shop)
    shop.signal("Master0000", generation=2)

    boot = json.loads(shop.endpoint.read_document(*old["boot"]).body)
    run = json.loads(shop.endpoint.read_document(*old["run"]).body)

    path, signature = shop.sign("Slave0000", PathPurpose.RUN)
    url = f"{shop.url}{path}?Signature={signature}"
    for document in (boot, run):
        assert document["os-collect-config"]["request"]["metadata_url"] == url
    users = {user["name"]: user["password"] for user in shop.read_json("Master0000")["Users"]}
    assert run["Master"]["User"]["password"] == users["slave0000"]


def test_only_a_contact_by_the_new_key_shows_that_the_old_one_is_not_needed(shop: ServedCluster) -> None:
    old = rotate_with_a_new_key(shop)
    shop.endpoint.read_document(*old["run"])
    snapshot = shop.store.read("shop")
    assert snapshot is not None
    assert snapshot.key_contacts == frozenset()

    shop.read("Slave0000")

    snapshot = shop.store.read("shop")
    assert snapshot is not None
    assert snapshot.key_contacts == {("Slave0000", shop.ring.newest)}


def test_a_signal_by_an_old_key_proves_nothing(shop: ServedCluster) -> None:
    ring = shop.ring
    path, signature = shop.sign("Slave0000", PathPurpose.SIGNAL, 2)
    rotate_with_a_new_key(shop)

    answer = shop.endpoint.accept_signal(path, signature, b'{"Status": "SUCCESS"}')

    snapshot = shop.store.read("shop")
    assert snapshot is not None
    assert ring.newest != shop.ring.newest
    assert (answer.status, snapshot.signals) == (200, ())


def test_addresses_by_an_old_key_are_dead_when_nothing_needs_it(shop: ServedCluster) -> None:
    old = rotate_with_a_new_key(shop)
    ended = replace(shop.wanted.end_rotation(), previous_keys=())
    shop.write(ClusterChange(wanted=dump_wanted(ended)))

    assert [shop.endpoint.read_document(*old[name]) for name in ("boot", "run")] == [NOT_FOUND] * 2
