"""Who follows whom, by what the store has of the clusters of both engines."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_network

import pytest

from guestagent.errors import OrderRefused
from guestagent.resources.endpoint.key_ring import KeyRing
from guestagent.resources.following import Admission, FollowedSource
from guestagent.resources.orchestrator.stack_reference import StackReference, dump_reference, load_reference
from guestagent.resources.orders import (
    AdmitFollower,
    CreateCluster,
    DeleteCluster,
    Order,
    RevokeFollower,
    VolumeFate,
)
from guestagent.resources.source_directory import SourceDirectory
from guestagent.resources.store.memory_store import MemoryStore
from guestagent.resources.store.records import (
    ClusterChange,
    ResourceKey,
    ResourceKind,
    ResourceRecord,
    SignalEntry,
)
from guestagent.resources.store.unreadable_record import UnreadableRecord
from guestagent.resources.wanted_document import dump_wanted
from tests.support.orders import build_order
from tests.unit.resources.clusters import build_wanted

RING = KeyRing("k1", {"k1": bytes(range(32))})
ADMISSIONS = (Admission("reports", "10.1.0.0/24", "k1"),)
ADDRESS = "10.0.0.5"
PORT = ResourceRecord(key=ResourceKey("shop", ResourceKind.PORT, "Master0000"), address=ADDRESS)


def build_store(name: str, engine: str, change: ClusterChange) -> MemoryStore:
    store = MemoryStore()
    add_cluster(store, name, engine, change)
    return store


def add_cluster(store: MemoryStore, name: str, engine: str, change: ClusterChange) -> None:
    order: Order = build_order(CreateCluster, cluster=name, description={})
    store.accept(order, engine, lambda _snapshot: None)
    lease = store.claim("worker")
    assert lease is not None
    lease.write(change)
    lease.release(60)


def build_natives_store(
    *, is_proved: bool = True, admissions: tuple[Admission, ...] = ADMISSIONS
) -> MemoryStore:
    settings = {"tls": {"ca": "a CA"}}
    wanted = build_wanted(admissions=admissions, settings=settings)
    store = build_store("shop", "natives", ClusterChange(wanted=dump_wanted(wanted), resources=(PORT,)))
    signal = SignalEntry(instance="Master0000", generation=1, is_success=is_proved)
    store.record_signal("shop", signal)
    return store


def build_stack_store(**values: object) -> MemoryStore:
    reference = StackReference(name="shop", admissions=ADMISSIONS, **values)  # type: ignore[arg-type]
    return build_store("shop", "orchestrator", ClusterChange(wanted=dump_reference(reference)))


def create(source: object = "shop", **beside: object) -> CreateCluster:
    description = {"source": {"cluster": source, **beside}}
    return CreateCluster(request_id="create", cluster="reports", description=description)


def refuse(store: MemoryStore, order: CreateCluster) -> tuple[str, str]:
    with pytest.raises(OrderRefused) as caught:
        SourceDirectory(store, RING).find_source(order)
    return str(caught.value.code), str(caught.value)


@pytest.mark.parametrize("description", [{}, {"source": {}}, {"source": {"flavor": "m1"}}, {"source": "x"}])
def test_a_cluster_with_a_source_of_its_own_follows_nobody(description: Mapping[str, object]) -> None:
    order = CreateCluster(request_id="create", cluster="reports", description=description)

    assert SourceDirectory(MemoryStore(), RING).find_source(order) is None


def test_the_source_of_natives_is_at_its_port() -> None:
    followed = SourceDirectory(build_natives_store(), RING).find_source(create())

    assert followed == FollowedSource(
        cluster="shop",
        cluster_id="00000000-0000-0000-0000-000000000001",
        key_id="k1",
        address=ADDRESS,
        tls={"ca": "a CA"},
    )


def test_the_source_of_a_stack_is_where_its_order_has_noted_it() -> None:
    store = build_stack_store(source_address="10.0.0.9", source_tls={"required": True})

    followed = SourceDirectory(store, RING).find_source(create())

    assert followed is not None
    assert (followed.address, followed.tls) == ("10.0.0.9", {"required": True})


def test_a_cluster_that_is_not_there_cannot_be_followed() -> None:
    assert refuse(MemoryStore(), create()) == (
        "not_found",
        "there is no cluster shop that could be followed",
    )


def test_a_cluster_is_followed_only_by_those_that_it_has_admitted() -> None:
    assert refuse(build_natives_store(admissions=()), create()) == (
        "not_admitted",
        "cluster shop has not admitted reports: give the order admit_follower first",
    )


@pytest.mark.parametrize(
    "store", [build_natives_store(is_proved=False), build_stack_store()], ids=["natives", "stack"]
)
def test_an_account_that_is_not_proved_is_waited_for(store: MemoryStore) -> None:
    assert refuse(store, create()) == (
        "busy",
        "the source of shop has not proved the account of reports yet: try again when it has",
    )


def test_an_admission_that_is_not_done_is_waited_for() -> None:
    store = build_stack_store(source_address="10.0.0.9")
    admit: Order = build_order(
        AdmitFollower, cluster="shop", follower="reports", follower_network=ip_network("10.1.0.0/24")
    )
    store.accept(admit, "orchestrator", lambda _snapshot: None)

    assert refuse(store, create())[0] == "busy"


@pytest.mark.parametrize(
    ("order", "answer"),
    [
        (
            DeleteCluster(request_id="r", cluster="shop", volumes=VolumeFate.KEEP),
            ("not_found", "cluster shop cannot be followed: delete_cluster removes it"),
        ),
        (
            RevokeFollower(request_id="r", cluster="shop", follower="reports"),
            ("not_admitted", "cluster shop revokes reports: give the order admit_follower after that"),
        ),
    ],
    ids=lambda value: getattr(value, "kind", None),
)
def test_a_source_that_is_being_taken_away_is_not_followed_any_more(
    order: Order, answer: tuple[str, str]
) -> None:
    store = build_natives_store()
    store.accept(order, "natives", lambda _snapshot: None)

    assert refuse(store, create()) == answer


def test_the_revocation_of_another_follower_takes_nothing_away() -> None:
    store = build_natives_store()
    other = RevokeFollower(request_id="r", cluster="shop", follower="backup")
    store.accept(other, "natives", lambda _snapshot: None)

    assert SourceDirectory(store, RING).find_source(create()) is not None


@pytest.mark.parametrize(
    ("order", "problem"),
    [
        (create("reports"), "description.source.cluster: expected another cluster, found reports"),
        (
            create(flavor="m1"),
            "description.source.flavor: expected nothing beside cluster, found a key "
            "(a cluster that follows another has no source of its own)",
        ),
        (create("Shop"), "description.source.cluster: expected lower-case letters, digits and dashes"),
    ],
)
def test_a_description_that_follows_wrongly_is_invalid(order: CreateCluster, problem: str) -> None:
    code, message = refuse(build_natives_store(), order)

    assert code == "invalid"
    assert problem in message


def add_follower(store: MemoryStore, engine: str) -> None:
    """Have the cluster `reports` follow `shop`."""
    followed = FollowedSource(cluster="shop", cluster_id="1", key_id="k1", address=ADDRESS)
    documents = {
        "natives": dump_wanted(build_wanted(name="reports", followed=followed)),
        "orchestrator": dump_reference(StackReference(name="reports", followed=followed)),
    }
    add_cluster(store, "reports", engine, ClusterChange(wanted=documents[engine]))


@pytest.mark.parametrize("engine", ["natives", "orchestrator"])
@pytest.mark.parametrize(
    "order",
    [
        DeleteCluster(request_id="r", cluster="shop", volumes=VolumeFate.KEEP),
        RevokeFollower(request_id="r", cluster="shop", follower="reports"),
    ],
    ids=lambda order: order.kind,
)
def test_a_source_is_not_taken_from_a_cluster_that_follows_it(order: Order, engine: str) -> None:
    store = build_natives_store()
    directory = SourceDirectory(store, RING)

    directory.check_followers(order)
    add_follower(store, engine)
    with pytest.raises(OrderRefused) as caught:
        directory.check_followers(order)

    assert (caught.value.code, str(caught.value)) == (
        "followed",
        "the source of shop is followed by reports: delete that first",
    )


def add_unreadable(store: MemoryStore) -> None:
    """Add the cluster `broken`, which a newer version has written."""
    add_cluster(store, "broken", "natives", ClusterChange(wanted='{"version": 99}'))


DELETE = DeleteCluster(request_id="r", cluster="shop", volumes=VolumeFate.KEEP)


def test_a_cluster_that_cannot_be_read_may_follow_the_source() -> None:
    store = build_natives_store()
    add_unreadable(store)

    with pytest.raises(UnreadableRecord) as caught:
        SourceDirectory(store, RING).check_followers(DELETE)

    assert str(caught.value) == (
        "it is unknown whether these clusters follow the source of shop: "
        "broken: the store was written by a newer guestagent: use that one"
    )


def test_a_known_follower_is_named_beside_a_cluster_that_cannot_be_read() -> None:
    store = build_natives_store()
    add_unreadable(store)
    add_follower(store, "natives")

    with pytest.raises(OrderRefused, match="the source of shop is followed by reports: delete that first"):
        SourceDirectory(store, RING).check_followers(DELETE)


def test_a_follower_can_be_revoked_beside_another_cluster_that_cannot_be_read() -> None:
    store = build_natives_store()
    add_unreadable(store)
    order = RevokeFollower(request_id="r", cluster="shop", follower="backup")

    SourceDirectory(store, RING).check_followers(order)


def test_a_follower_that_was_never_created_can_be_revoked_beside_others() -> None:
    store = build_natives_store()
    add_follower(store, "natives")
    order = RevokeFollower(request_id="r", cluster="shop", follower="backup")

    SourceDirectory(store, RING).check_followers(order)


def test_a_stack_is_read_as_it_was_written() -> None:
    followed = FollowedSource(cluster="shop", cluster_id="1", key_id="k1", address=ADDRESS, tls={"ca": "x"})
    reference = StackReference(name="reports", admissions=ADMISSIONS, followed=followed, source_tls={"a": 1})

    assert load_reference(dump_reference(reference)) == reference
