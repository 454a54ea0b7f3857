"""The endpoint's certificate is verified before a guest has to."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from guestagent.errors import InvalidSettings
from guestagent.resources.endpoint.endpoint_settings import EndpointSettings
from guestagent.resources.service.endpoint_certificate import verify_certificate
from tests.support.certificates import Certificate, CertificateAuthority

HOST = "127.0.0.1"
DAY_S = 86400.0


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return CertificateAuthority(tmp_path_factory.mktemp("authority"))


def verify(certificate: Certificate, authority: Path | None) -> float | None:
    settings = EndpointSettings(HOST, 0, certificate.certificate, certificate.key)
    return verify_certificate(settings, authority, HOST)


def refuse(certificate: Certificate, authority: Path | None) -> str:
    with pytest.raises(InvalidSettings) as refused:
        verify(certificate, authority)
    return str(refused.value)


def test_a_valid_certificate_has_an_end(authority: CertificateAuthority) -> None:
    ends_at = verify(authority.valid, authority.valid.ca)

    assert ends_at is not None
    assert DAY_S < ends_at - time.time() <= 2 * DAY_S


def test_an_endpoint_in_clear_has_no_certificate() -> None:
    assert verify_certificate(EndpointSettings(HOST, 0), None, HOST) is None


def test_a_certificate_of_another_name_is_refused(authority: CertificateAuthority) -> None:
    assert refuse(authority.other_name, authority.valid.ca).startswith(
        f"endpoint.certificate: expected one for {HOST}, the host of public_url, signed by {authority.valid.ca}, found"
    )


def test_a_certificate_that_has_ended_is_refused(authority: CertificateAuthority) -> None:
    assert refuse(authority.expired, authority.valid.ca).endswith("found certificate has expired")


def test_a_certificate_of_a_foreign_authority_is_refused(authority: CertificateAuthority) -> None:
    assert "signed by a CA of this machine" in refuse(authority.valid, None)


def test_a_key_of_another_certificate_is_refused(authority: CertificateAuthority) -> None:
    mixed = Certificate(authority.valid.ca, authority.valid.certificate, authority.other_name.key)

    assert refuse(mixed, authority.valid.ca).startswith(
        "endpoint.certificate: expected a certificate and its key in PEM, found"
    )


def test_a_file_that_is_not_there_is_named(authority: CertificateAuthority, tmp_path: Path) -> None:
    missing = Certificate(authority.valid.ca, tmp_path / "pem", tmp_path / "pem")

    assert refuse(missing, authority.valid.ca).endswith(": No such file or directory")
    assert refuse(authority.valid, tmp_path / "ca") == (
        f"endpoint.authority: expected a CA's certificate in PEM, found {tmp_path}/ca: No such file or directory"
    )
