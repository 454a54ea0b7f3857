"""What a node of NATIVES reads, when, and how it signals."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from guestagent.metadata import Role, parse
from guestagent.resources.endpoint.node_endpoint import BODY_LIMIT_BYTES, NOT_FOUND
from guestagent.resources.endpoint.signed_path import PathPurpose
from guestagent.resources.store.memory_store import MemoryStore
from guestagent.resources.store.records import ClusterChange, ClusterSnapshot
from guestagent.resources.wanted import WantedCluster
from guestagent.resources.wanted_document import dump_wanted
from tests.support.served_cluster import ADDRESS, VOLUME_IDS, ServedCluster


@pytest.fixture
def shop() -> ServedCluster:
    return ServedCluster()


def test_the_first_address_leads_to_the_document_and_tells_nothing_else(shop: ServedCluster) -> None:
    document = shop.read_json("Slave0000", PathPurpose.BOOT)

    path, signature = shop.sign("Slave0000", PathPurpose.RUN)
    url = f"https://endpoint.example:8443{path}?Signature={signature}"
    assert document == {"os-collect-config": {"collectors": "request", "request": {"metadata_url": url}}}


def test_the_first_address_is_dead_once_the_document_was_read(shop: ServedCluster) -> None:
    shop.read("Slave0000", PathPurpose.RUN)

    assert shop.read("Slave0000", PathPurpose.BOOT) == NOT_FOUND
    assert shop.read("Slave0001", PathPurpose.BOOT).status == 200


def test_the_document_of_a_source_is_one_that_its_agent_reads(shop: ServedCluster) -> None:
    document = parse({k: v for k, v in shop.read_json("Master0000").items() if k != "os-collect-config"})

    assert document.role is Role.SOURCE
    assert [user.name for user in document.users] == ["slave0000", "slave0001"]
    assert document.section.volume is not None
    assert (document.section.volume.id, document.section.volume.is_new) == (VOLUME_IDS["Master0000"], True)
    assert document.unique_id == "Master0000-1"


def test_a_replica_waits_until_its_source_is_proved(shop: ServedCluster) -> None:
    early = shop.read_json("Slave0000")
    shop.signal("Master0000")
    late = shop.read_json("Slave0000")

    assert early.keys() == {"os-collect-config"}
    document = parse({key: value for key, value in late.items() if key != "os-collect-config"})
    assert document.source is not None
    assert document.source.address == ADDRESS


def test_both_ends_of_a_channel_have_the_same_password(shop: ServedCluster) -> None:
    shop.signal("Master0000")

    users = {user["name"]: user["password"] for user in shop.read_json("Master0000")["Users"]}
    own = shop.read_json("Slave0000")["Master"]["User"]

    assert users["slave0000"] == own["password"]
    assert len(set(users.values())) == 2


def test_a_replica_that_is_proved_keeps_its_document_while_its_source_proves_another(
    shop: ServedCluster,
) -> None:
    for name in ("Master0000", "Slave0000"):
        shop.signal(name)

    shop.renew("Master0000")

    assert "Master" in shop.read_json("Slave0000")
    assert "Master" not in shop.read_json("Slave0001")


def test_a_signal_is_answered_as_heat_answers(shop: ServedCluster) -> None:
    answer = shop.signal("Master0000")

    assert (answer.status, json.loads(answer.body)) == (200, {"resource": "Master0000"})
    snapshot = shop.store.read("shop")
    assert snapshot is not None
    (signal,) = snapshot.signals
    assert (signal.instance, signal.generation, signal.is_success) == ("Master0000", 1, True)


def test_a_signal_of_an_older_generation_is_answered_and_not_kept(shop: ServedCluster) -> None:
    shop.renew("Master0000")

    answer = shop.signal("Master0000", generation=1, status="FAILURE")

    snapshot = shop.store.read("shop")
    assert snapshot is not None
    assert (answer.status, snapshot.signals) == (200, ())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"Status": "DONE"}',
        b'{"Status": "SUCCESS", "Reason": 7}',
        b"\xff",
        b"x" * (BODY_LIMIT_BYTES + 1),
    ],
    ids=["empty", "list", "no status", "status", "reason", "no text", "large"],
)
def test_garbage_is_refused_and_not_kept(shop: ServedCluster, body: bytes) -> None:
    answer = shop.endpoint.accept_signal(*shop.sign("Master0000", PathPurpose.SIGNAL), body)

    snapshot = shop.store.read("shop")
    assert snapshot is not None
    assert (answer.status, snapshot.signals) == (400, ())


def test_control_characters_of_a_reason_are_not_kept(shop: ServedCluster) -> None:
    body = json.dumps({"Status": "FAILURE", "Reason": "bad\x1b[2Jnews"}).encode()

    shop.endpoint.accept_signal(*shop.sign("Master0000", PathPurpose.SIGNAL), body)

    snapshot = shop.store.read("shop")
    assert snapshot is not None
    assert snapshot.signals[0].reason == "bad\\x1b[2Jnews"


@pytest.mark.parametrize(
    "case",
    [
        "forged",
        "of another node",
        "of another purpose",
        "of another number",
        "missing",
        "old cluster",
        "no cluster",
    ],
)
def test_a_wrong_address_gets_one_answer(shop: ServedCluster, case: str) -> None:
    shop.signal("Master0000")
    path, signature = shop.sign("Slave0000", PathPurpose.RUN)
    if case == "forged":
        signature = signature[::-1]
    elif case == "of another node":
        signature = shop.sign("Slave0001", PathPurpose.RUN)[1]
    elif case == "of another purpose":
        signature = shop.sign("Slave0000", PathPurpose.BOOT)[1]
    elif case == "of another number":
        path, signature = shop.sign("Slave0000", PathPurpose.RUN, 2)
    elif case == "missing":
        signature = ""
    elif case == "old cluster":
        shop.write(ClusterChange(is_removed=True))
    else:
        path = path.replace("shop", "none")

    assert shop.endpoint.read_document(path, signature) == NOT_FOUND
    assert shop.endpoint.accept_signal(path, signature, b'{"Status": "SUCCESS"}') == NOT_FOUND


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1/shop/Slave0000/run",
        "/v1/shop/Slave0000/run/0",
        "/v1/../Slave0000/run/1",
        "/v1/shop/Slave0000/run/1/",
        "/v1/shop/Slave0000/walk/1",
    ],
)
def test_a_path_that_is_none_of_ours_gets_the_same_answer(shop: ServedCluster, path: str) -> None:
    assert shop.endpoint.read_document(path, "x") == NOT_FOUND


def test_an_address_of_one_purpose_serves_no_other(shop: ServedCluster) -> None:
    assert shop.endpoint.read_document(*shop.sign("Master0000", PathPurpose.SIGNAL)) == NOT_FOUND
    signal = b'{"Status": "SUCCESS"}'
    assert shop.endpoint.accept_signal(*shop.sign("Master0000", PathPurpose.RUN), signal) == NOT_FOUND


class CountingStore(MemoryStore):
    """A store that counts how often everything about a cluster was read."""

    reads = 0

    def read(self, cluster: str) -> ClusterSnapshot | None:
        self.reads += 1
        return super().read(cluster)


def test_a_document_that_stays_the_same_is_built_once() -> None:
    store = CountingStore()
    shop = ServedCluster(store=store)
    endpoint, address = shop.endpoint, shop.sign("Master0000", PathPurpose.RUN)
    first = endpoint.read_document(*address)
    store.reads = 0

    answers = [endpoint.read_document(*address) for _ in range(3)]

    assert (answers, store.reads) == ([first] * 3, 0)


def change_by_signal(shop: ServedCluster) -> None:
    shop.signal("Master0000")


def change_by_worker(shop: ServedCluster) -> None:
    shop.renew("Master0000", "Slave0000")


def change_by_removal(shop: ServedCluster) -> None:
    shop.write(ClusterChange(is_removed=True))


@pytest.mark.parametrize("change", [change_by_signal, change_by_worker, change_by_removal])
def test_a_document_is_new_after_every_change(
    shop: ServedCluster, change: Callable[[ServedCluster], None]
) -> None:
    addresses = [shop.sign(name, PathPurpose.RUN) for name in ("Master0000", "Slave0000")]
    endpoint = shop.endpoint
    before = [endpoint.read_document(*address) for address in addresses]

    change(shop)

    fresh = [shop.endpoint.read_document(*address) for address in addresses]
    assert [endpoint.read_document(*address) for address in addresses] == fresh
    assert fresh != before


def test_a_document_is_built_anew_while_a_worker_changes_the_cluster(shop: ServedCluster) -> None:
    endpoint, address = shop.endpoint, shop.sign("Master0000", PathPurpose.RUN)
    endpoint.read_document(*address)
    lease = shop.store.claim("worker")
    assert lease is not None
    handles = []

    for _ in range(2):
        lease.write(ClusterChange(wanted=dump_wanted(renew(shop.wanted))))
        document = json.loads(endpoint.read_document(*address).body)
        handles.append(urlsplit(document["ReadyWaitCondition"]).path)

    assert handles == ["/v1/shop/Master0000/signal/2", "/v1/shop/Master0000/signal/3"]


def test_a_kept_document_is_for_its_own_signature_alone(shop: ServedCluster) -> None:
    endpoint, (path, signature) = shop.endpoint, shop.sign("Master0000", PathPurpose.RUN)
    endpoint.read_document(path, signature)

    assert endpoint.read_document(path, signature[::-1]) == NOT_FOUND
    assert endpoint.read_document(path, "\udcff") == NOT_FOUND


def renew(wanted: WantedCluster) -> WantedCluster:
    """Give the source its next generation."""
    source = wanted.find_instance("Master0000")
    assert source is not None
    return wanted.replace_instance(source.renewed())


@pytest.mark.parametrize(
    "path", ["/v1/shop/Slave0000/run/1", "/v1/shop/Slave0000/signal/1", "/v1/none/A/run/1"]
)
def test_of_a_cluster_only_its_row_is_read_for_whoever_has_no_signature(
    shop: ServedCluster, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    reads: list[str] = []
    monkeypatch.setattr(shop.store, "read", reads.append)

    assert shop.endpoint.read_document(path, "a-guess") == NOT_FOUND
    assert shop.endpoint.accept_signal(path, "a-guess", b"{}") == NOT_FOUND
    assert reads == []
