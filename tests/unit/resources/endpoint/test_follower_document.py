"""The documents of two clusters of which one follows the other: both ends have the same account."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network

from guestagent.metadata import Document, parse
from guestagent.resources.description import read_description
from guestagent.resources.endpoint.key_ring import KeyRing
from guestagent.resources.endpoint.node_document import EndpointAddress, build_run_document
from guestagent.resources.following import Admission, FollowedSource
from guestagent.resources.orders import CreateCluster
from guestagent.resources.store.records import (
    ClusterRecord,
    ClusterSnapshot,
    ResourceKey,
    ResourceKind,
    ResourceRecord,
)
from guestagent.resources.wanted import WantedCluster

RING = KeyRing("k2", {"k1": bytes(range(32)), "k2": bytes(32)})
ENDPOINT = EndpointAddress("https://endpoint.example:8443", RING)
SOURCE_ID, FOLLOWER_ID = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
VOLUME_ID = "33333333-3333-4333-8333-333333333333"
FOLLOWED = FollowedSource(
    cluster="shop", cluster_id=SOURCE_ID, key_id="k1", address="10.0.0.5", tls={"required": False}
)
DESCRIPTION: dict[str, object] = {
    "flavor": "m1.small",
    "image": "guestagent-mariadb",
    "network": "private",
    "volume": {"size_gib": 10},
}


def describe(name: str, followed: FollowedSource | None = None, **changes: object) -> WantedCluster:
    order = CreateCluster(request_id="create", cluster=name, description={**DESCRIPTION, **changes})
    return read_description(order, "k2", followed)


def read(wanted: WantedCluster, cluster_id: str, name: str) -> Document | None:
    """Return a node's document. Its cluster has all volumes and ports, and nothing is proved."""
    records = tuple(
        ResourceRecord(
            key=ResourceKey(wanted.name, kind, each.name), cloud_id=VOLUME_ID, address=f"10.0.0.{5 + number}"
        )
        for number, each in enumerate(wanted)
        for kind in (ResourceKind.VOLUME, ResourceKind.PORT)
    )
    cluster = ClusterRecord(id=cluster_id, name=wanted.name, engine="natives")
    snapshot = ClusterSnapshot(cluster=cluster, resources=records)
    instance = wanted.find_instance(name)
    assert instance is not None
    document = build_run_document(snapshot, wanted, instance, ENDPOINT)
    return parse(document) if "ReadyWaitCondition" in document else None


def test_both_ends_have_the_same_account_and_password() -> None:
    source = replace(
        describe("shop", source={}, replicas=0), admissions=(Admission("reports", "10.1.0.0/24", "k1"),)
    )
    follower = describe("reports", FOLLOWED, source={"cluster": "shop"}, replicas=2)

    admitting = read(source, SOURCE_ID, "Master0000")
    following = [read(follower, FOLLOWER_ID, name) for name in ("Slave0000", "Slave0001")]

    assert admitting is not None
    (user,) = admitting.users
    assert (user.name, user.network) == ("follower_reports", IPv4Network("10.1.0.0/24"))
    for document in following:
        assert document is not None
        assert document.source is not None
        assert document.source.address == "10.0.0.5"
        assert document.source.user == replace(user, network=None)


def test_a_follower_waits_for_no_source_and_has_the_tls_of_the_one_that_it_follows() -> None:
    follower = describe("reports", FOLLOWED, source={"cluster": "shop"}, replicas=1)

    document = read(follower, FOLLOWER_ID, "Slave0000")

    assert document is not None
    assert document.section.tls is not None
    assert not document.section.tls.required


def test_the_server_ids_of_followers_differ_from_those_of_the_source_and_of_each_other() -> None:
    source = describe("shop", source={}, replicas=2)
    followers = [describe(name, FOLLOWED, replicas=2) for name in ("reports", "backup")]

    server_ids = [instance.server_id for cluster in (source, *followers) for instance in cluster]

    assert len(server_ids) == len(set(server_ids)) == 7


def test_a_follower_has_replicas_alone() -> None:
    follower = describe("reports", FOLLOWED, source={"cluster": "shop"}, replicas=[{}, {"zone": "az2"}])

    assert [(each.name, each.is_source, each.zone) for each in follower] == [
        ("Slave0000", False, None),
        ("Slave0001", False, "az2"),
    ]
