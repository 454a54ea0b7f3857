"""TLS on the channel: what the metadata wants, what the source offers, and whose certificate it shows."""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from pathlib import Path

from tests.failures.pair import Pair, Told
from tests.failures.row import READY, Area, final, late
from tests.integration.certificates import Authority, Certificate

area = Area("TLS")
Telling = Generator[Told, None, None]

NO_TLS = {"mariadb": ("ssl=OFF",), "mysql": ("tls-version=",)}


@area.row(READY, quick=True)
def a_certificate_that_is_right(pair: Pair) -> Telling:
    with tempfile.TemporaryDirectory() as folder:
        right = authority(pair, folder).right
        served(pair, right)
        yield pair.again(TLS=verified(right))


@area.row(late("source", "was not signed by the CA"), heals=False)
def a_certificate_of_another_authority(pair: Pair) -> Telling:
    yield from shown(pair, "other_ca")


@area.row(late("source", "certificate has expired"), heals=False)
def an_expired_certificate(pair: Pair) -> Telling:
    yield from shown(pair, "expired")


@area.row(late("source", "certificate is for another name"), heals=False)
def a_certificate_for_another_name(pair: Pair) -> Telling:
    yield from shown(pair, "other_name")


@area.row(late("source", "the source has no TLS"), heals=False)
def a_source_without_tls_where_the_channel_wants_it(pair: Pair) -> Telling:
    pair.spoiled = True
    pair.restarted(pair.source, *NO_TLS[pair.family])
    pair.with_source()
    yield pair.replica.apply(pair.replica_document(TLS={}))


@area.row(
    mariadb1011=late("source", "let in over TLS only"),
    mariadb118=final("source", "admits encrypted connections only"),
    # Our own look goes encrypted there, for no password of MySQL's goes in clear.
    mysql=final("receiver", "admits encrypted connections only"),
    heals=False,
)
def a_source_that_admits_encrypted_connections_only(pair: Pair) -> Telling:
    pair.spoiled = True
    with tempfile.TemporaryDirectory() as folder:
        right = authority(pair, folder).right
        served(pair, right, "require-secure-transport=ON")
        yield pair.replica.apply(pair.replica_document(TLS={"Required": False}))


@area.row(
    mariadb=late("source", "let in over TLS only"),
    mysql=late("receiver", "one that must use TLS"),
    heals=False,
)
def an_account_that_requires_tls_and_a_channel_in_clear(pair: Pair) -> Telling:
    pair.spoiled = True
    with tempfile.TemporaryDirectory() as folder:
        right = authority(pair, folder).right
        pair.restarted(pair.source, *right.options)
        pair.with_source(TLS={})
        yield pair.replica.apply(pair.replica_document(TLS={"Required": False}))


@area.row(READY)
def a_channel_whose_files_of_certificates_are_gone(pair: Pair) -> Telling:
    with tempfile.TemporaryDirectory() as folder:
        right = authority(pair, folder).right
        served(pair, right)
        assert pair.again(TLS=verified(right)).ready
        for path in (pair.replica.server.folder / "data").rglob("*guestagent*.pem"):
            path.unlink()
        pair.replica.server.ask(pair.channel("STOP"))
        yield pair.again(TLS=verified(right))


def authority(pair: Pair, folder: str) -> Authority:
    return Authority(Path(folder), (pair.source.server.address, pair.replica.server.address))


def served(pair: Pair, certificate: Certificate, *options: str) -> None:
    """The source shows this certificate, and is ready."""
    pair.spoiled = True
    pair.restarted(pair.source, *certificate.options, *options)
    pair.with_source()


def verified(certificate: Certificate) -> dict[str, object]:
    return {"CA": certificate.ca.read_text()}


def shown(pair: Pair, kind: str) -> Telling:
    """What a replica says that trusts the right authority alone."""
    with tempfile.TemporaryDirectory() as folder:
        made = authority(pair, folder)
        served(pair, getattr(made, kind))
        yield pair.replica.apply(pair.replica_document(TLS=verified(made.right)))
