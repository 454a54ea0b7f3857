"""A document that was read from two network addresses is an event: one of the readers may not be the node."""

from __future__ import annotations

import pytest

from guestagent.resources.endpoint.node_endpoint import NOT_FOUND
from guestagent.resources.endpoint.signed_path import PathPurpose
from guestagent.resources.store.document_readers import READER_LENGTH_LIMIT
from tests.support.served_cluster import ServedCluster

NODE, THIEF = "10.0.0.6", "203.0.113.9"


@pytest.fixture
def shop() -> ServedCluster:
    return ServedCluster()


def list_events(shop: ServedCluster) -> list[str]:
    return [event.text.partition(":")[0] for event in shop.store.events("shop")]


def test_a_node_that_reads_its_document_again_and_again_is_no_event(shop: ServedCluster) -> None:
    for purpose in (PathPurpose.BOOT, PathPurpose.RUN, PathPurpose.RUN, PathPurpose.BOOT):
        shop.read("Slave0000", purpose, reader=NODE)

    assert list_events(shop) == []


def test_a_node_whose_user_data_somebody_else_has_used_first_finds_no_document(shop: ServedCluster) -> None:
    for purpose in (PathPurpose.BOOT, PathPurpose.RUN):
        shop.read("Slave0000", purpose, reader=THIEF)

    answers = [shop.read("Slave0000", PathPurpose.BOOT, reader=NODE) for _ in range(3)]

    assert answers == [NOT_FOUND] * 3
    assert list_events(shop) == [
        f"{NODE} has used the address of the document of Slave0000, which {THIEF} had used first"
    ]


def test_somebody_who_reads_a_document_after_its_node_is_an_event_too(shop: ServedCluster) -> None:
    endpoint, address = shop.endpoint, shop.sign("Slave0000", PathPurpose.RUN)

    answers = [endpoint.read_document(*address, reader) for reader in (NODE, NODE, THIEF, NODE)]

    assert {answer.status for answer in answers} == {200}
    assert list_events(shop) == [
        f"{THIEF} has used the address of the document of Slave0000, which {NODE} had used first"
    ]


def test_a_forged_address_is_no_event(shop: ServedCluster) -> None:
    shop.read("Slave0000", reader=NODE)
    path, signature = shop.sign("Slave0000", PathPurpose.RUN)

    shop.endpoint.read_document(path, signature[::-1], THIEF)

    assert list_events(shop) == []


def test_what_a_proxy_says_of_a_reader_is_kept_short_and_printable(shop: ServedCluster) -> None:
    shop.read("Slave0000", reader=NODE)

    shop.read("Slave0000", reader="\x1b[2J" + "x" * 1000)

    (event,) = list_events(shop)
    assert event.startswith("\\x1b[2Jxxx")
    assert event.partition(" ")[0] == ("\\x1b[2J" + "x" * 1000)[:READER_LENGTH_LIMIT]
