"""The certificate of the donor's port."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from guestagent.controller.donor_certificate import create_certificate, is_expiring
from guestagent.controller.seed import compute_fingerprint
from guestagent.errors import InvalidTemplate

NOW = datetime(2026, 11, 29, tzinfo=timezone.utc)


def test_it_names_the_source_and_is_no_ca() -> None:
    created = create_certificate("Master0000", NOW)

    certificate = x509.load_pem_x509_certificate(created.certificate.encode())
    assert certificate.subject.rfc4514_string() == "CN=Master0000"
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_its_key_is_shown_nowhere() -> None:
    created = create_certificate("Master0000", NOW)

    assert "PRIVATE KEY" in created.key.reveal()
    assert "PRIVATE KEY" not in f"{created!r}{created}"


def test_its_fingerprint_is_that_of_the_library() -> None:
    text = create_certificate("Master0000", NOW).certificate

    certificate = x509.load_pem_x509_certificate(text.encode())
    assert compute_fingerprint(text) == certificate.fingerprint(hashes.SHA256()).hex()


def test_it_is_valid_before_the_nodes_clock_is_right_and_for_years() -> None:
    certificate = create_certificate("Master0000", NOW).certificate

    assert not is_expiring(certificate, NOW)
    assert not is_expiring(certificate, NOW + timedelta(days=3600))
    assert is_expiring(certificate, NOW + timedelta(days=3621))


def test_another_text_is_no_certificate() -> None:
    with pytest.raises(InvalidTemplate, match="DonorCertificate: expected a certificate in PEM"):
        is_expiring("-----BEGIN CERTIFICATE-----\nMC4=\n-----END CERTIFICATE-----\n", NOW)
