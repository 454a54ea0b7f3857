"""TLS on the channel: the settings in the metadata, the source's settings, and its certificate."""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from pathlib import Path

from tests.failures.row import READY, FailureArea, expect_final, expect_late
from tests.failures.server_pair import ApplyAnswer, Pair
from tests.support.certificates import Certificate, CertificateAuthority

area = FailureArea("TLS")
ScenarioAnswers = Generator[ApplyAnswer, None, None]

NO_TLS = {"mariadb": ("ssl=OFF",), "mysql": ("tls-version=",)}


@area.row(READY, quick=True)
def a_valid_certificate(pair: Pair) -> ScenarioAnswers:
    with tempfile.TemporaryDirectory() as folder:
        certificate = create_authority(pair, folder).valid
        serve_certificate(pair, certificate)
        yield pair.apply_on_replica(TLS=build_tls_section(certificate))


@area.row(expect_late("source", "was not signed by the CA"), heals=False)
def a_certificate_of_another_authority(pair: Pair) -> ScenarioAnswers:
    yield from apply_with_certificate(pair, "other_ca")


@area.row(expect_late("source", "certificate has expired"), heals=False)
def an_expired_certificate(pair: Pair) -> ScenarioAnswers:
    yield from apply_with_certificate(pair, "expired")


@area.row(expect_late("source", "certificate is for another name"), heals=False)
def a_certificate_for_another_name(pair: Pair) -> ScenarioAnswers:
    yield from apply_with_certificate(pair, "other_name")


@area.row(expect_late("source", "the source has no TLS"), heals=False)
def a_source_without_tls_for_a_channel_that_requires_it(pair: Pair) -> ScenarioAnswers:
    pair.is_spoiled = True
    pair.restart_server(pair.source, *NO_TLS[pair.family])
    pair.prepare_source()
    yield pair.replica.apply(pair.build_replica_document(TLS={}))


@area.row(
    mariadb1011=expect_late("source", "let in over TLS only"),
    mariadb118=expect_final("source", "admits encrypted connections only"),
    # The agent's own connection is encrypted there: it never sends a MySQL password in clear text.
    mysql=expect_final("receiver", "admits encrypted connections only"),
    heals=False,
)
def a_source_that_admits_encrypted_connections_only(pair: Pair) -> ScenarioAnswers:
    pair.is_spoiled = True
    with tempfile.TemporaryDirectory() as folder:
        certificate = create_authority(pair, folder).valid
        serve_certificate(pair, certificate, "require-secure-transport=ON")
        yield pair.replica.apply(pair.build_replica_document(TLS={"Required": False}))


@area.row(
    mariadb=expect_late("source", "let in over TLS only"),
    mysql=expect_late("receiver", "one that must use TLS"),
    heals=False,
)
def an_account_that_requires_tls_and_an_unencrypted_channel(pair: Pair) -> ScenarioAnswers:
    pair.is_spoiled = True
    with tempfile.TemporaryDirectory() as folder:
        certificate = create_authority(pair, folder).valid
        pair.restart_server(pair.source, *certificate.options)
        pair.prepare_source(TLS={})
        yield pair.replica.apply(pair.build_replica_document(TLS={"Required": False}))


@area.row(READY)
def a_channel_whose_certificate_files_are_missing(pair: Pair) -> ScenarioAnswers:
    with tempfile.TemporaryDirectory() as folder:
        certificate = create_authority(pair, folder).valid
        serve_certificate(pair, certificate)
        assert pair.apply_on_replica(TLS=build_tls_section(certificate)).is_ready
        for path in (pair.replica.server.folder / "data").rglob("*guestagent*.pem"):
            path.unlink()
        pair.replica.server.execute(pair.build_channel_statement("STOP"))
        yield pair.apply_on_replica(TLS=build_tls_section(certificate))


def create_authority(pair: Pair, folder: str) -> CertificateAuthority:
    return CertificateAuthority(Path(folder), (pair.source.server.address, pair.replica.server.address))


def serve_certificate(pair: Pair, certificate: Certificate, *options: str) -> None:
    """Restart the source with this certificate, and make it ready."""
    pair.is_spoiled = True
    pair.restart_server(pair.source, *certificate.options, *options)
    pair.prepare_source()


def build_tls_section(certificate: Certificate) -> dict[str, object]:
    return {"CA": certificate.ca.read_text()}


def apply_with_certificate(pair: Pair, kind: str) -> ScenarioAnswers:
    """Apply on a replica that trusts only the CA of the valid certificate."""
    with tempfile.TemporaryDirectory() as folder:
        authority = create_authority(pair, folder)
        serve_certificate(pair, getattr(authority, kind))
        yield pair.replica.apply(pair.build_replica_document(TLS=build_tls_section(authority.valid)))
