"""What a store keeps of those who read the documents of nodes."""

from __future__ import annotations

from dataclasses import replace

from guestagent.resources.operation import OperationState
from guestagent.resources.store.document_readers import READER_LIMIT
from guestagent.resources.store.records import ClusterChange
from tests.support.store_contract.opened_store import OpenedStore


def contacts_are_kept_once(opened: OpenedStore) -> None:
    opened.create_cluster()
    for instance, epoch in (("Master0000", 1), ("Slave0000", 2), ("Master0000", 1)):
        opened.store.record_contact("shop", instance, epoch, "10.0.0.5")
    opened.store.record_contact("none", "Master0000", 1, "10.0.0.5")

    assert opened.claim().read().contacts == {("Master0000", 1), ("Slave0000", 2)}
    assert opened.store.events("shop") == ()


def another_reader_of_a_document_is_an_event(opened: OpenedStore) -> None:
    opened.create_cluster()
    for reader in ("10.0.0.5", "10.9.9.9", "10.0.0.5", "10.9.9.9"):
        opened.store.record_contact("shop", "Master0000", 1, reader)
    opened.store.record_contact("shop", "Master0000", 2, "10.9.9.9")

    (event,) = opened.store.events("shop")
    assert event.text.startswith(
        "10.9.9.9 has used the address of the document of Master0000, which 10.0.0.5 had used first"
    )


def many_readers_are_no_news(opened: OpenedStore) -> None:
    opened.create_cluster()

    for number in range(READER_LIMIT + 3):
        opened.store.record_contact("shop", "Master0000", 1, f"10.0.0.{number}")

    assert len(opened.store.events("shop")) == READER_LIMIT - 1


def readers_are_forgotten_with_their_cluster(opened: OpenedStore) -> None:
    opened.create_cluster()
    opened.store.record_contact("shop", "Master0000", 1, "10.9.9.9")
    lease = opened.claim()
    operations = tuple(replace(each.operation, state=OperationState.DONE) for each in lease.read().queue)
    lease.write(ClusterChange(operations=operations, is_removed=True))
    opened.create_cluster()

    opened.store.record_contact("shop", "Master0000", 1, "10.0.0.5")

    assert opened.claim().read().contacts == {("Master0000", 1)}
    assert opened.store.events("shop") == ()


def a_contact_by_a_new_key_is_kept_once_and_makes_its_cluster_due(opened: OpenedStore) -> None:
    opened.create_cluster()
    opened.claim().release(1000)
    for cluster in ("shop", "shop", "none"):
        opened.store.record_key_contact(cluster, "Slave0000", "k2-0a")

    lease = opened.claim()
    assert lease.read().key_contacts == {("Slave0000", "k2-0a")}
    lease.release(1000)
    opened.store.record_key_contact("shop", "Slave0000", "k2-0a")
    assert opened.store.claim("worker") is None, "what is known is no news"


CONTACT_CASES = (
    contacts_are_kept_once,
    another_reader_of_a_document_is_an_event,
    many_readers_are_no_news,
    readers_are_forgotten_with_their_cluster,
    a_contact_by_a_new_key_is_kept_once_and_makes_its_cluster_due,
)
