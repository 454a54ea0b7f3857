"""What the documents of NATIVES say about a seed: to the source, which is its donor, and to the replica."""

from __future__ import annotations

import hashlib
import ssl

import pytest

from guestagent.metadata import parse
from guestagent.metadata.document import Document
from guestagent.secret import Secret
from tests.support.served_cluster import DESCRIPTION, ServedCluster

AUTHORITY = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


def read(shop: ServedCluster, name: str) -> Document:
    """Return the part for the agent of the node's document."""
    return parse({key: value for key, value in shop.read_json(name).items() if key != "os-collect-config"})


@pytest.fixture
def shop() -> ServedCluster:
    shop = ServedCluster()
    shop.signal("Master0000")
    shop.join("Slave0001")
    return shop


def test_both_ends_of_a_seed_have_the_same_account_and_certificate(shop: ServedCluster) -> None:
    service = read(shop, "Master0000").section.donor
    donor = read(shop, "Slave0001").section.seeding.donor

    assert service is not None
    assert donor is not None
    (replica,) = service.replicas
    assert (replica.node, replica.user, donor.user.name) == ("Slave0001", donor.user, "slave0001_donor")
    assert replica.replication_user == "slave0001"
    der = ssl.PEM_cert_to_DER_cert(str(service.certificate))
    assert donor.fingerprint == hashlib.sha256(der).hexdigest()


def test_the_certificate_is_a_pair_with_its_key_and_the_same_each_time(shop: ServedCluster) -> None:
    first, second = (read(shop, "Master0000").section.donor for _ in range(2))

    assert first == second
    assert first is not None
    assert isinstance(first.key, Secret)
    assert "PRIVATE KEY" in first.key.reveal()
    snapshot = shop.store.read("shop")
    assert first.key.reveal().splitlines()[1] not in repr(snapshot)


def test_each_cluster_has_another_key() -> None:
    shops = ServedCluster(), ServedCluster()
    for shop in shops:
        shop.join("Slave0001")

    first, second = (read(shop, "Master0000").section.donor for shop in shops)

    assert first is not None
    assert second is not None
    assert first.certificate != second.certificate


def test_a_replica_that_does_not_join_has_no_donor(shop: ServedCluster) -> None:
    assert read(shop, "Slave0000").section.seeding.donor is None


def test_without_a_seed_the_source_serves_nobody() -> None:
    assert read(ServedCluster(), "Master0000").section.donor is None


def test_with_a_ca_the_donor_presents_the_certificate_of_its_server() -> None:
    shop = ServedCluster(description={**DESCRIPTION, "tls": {"ca": AUTHORITY}})
    shop.signal("Master0000")
    shop.join("Slave0001")

    service = read(shop, "Master0000").section.donor
    donor = read(shop, "Slave0001").section.seeding.donor

    assert service is not None
    assert donor is not None
    assert (service.certificate, service.key, donor.fingerprint) == (None, None, None)
