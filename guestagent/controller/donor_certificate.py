"""The certificate of a donor's port for backup streams: made here, and told to the replicas by its fingerprint."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from guestagent.errors import InvalidTemplate, Problem
from guestagent.secret import Secret

LIFETIME = timedelta(days=3650)
RENEWAL_MARGIN = timedelta(days=30)
CLOCK_MARGIN = timedelta(days=1)
"""The clocks of controller and nodes may differ."""


@dataclass(frozen=True, slots=True)
class DonorCertificate:
    """A certificate and its private key, both in PEM."""

    certificate: str
    key: Secret


def create_certificate(common_name: str, now: datetime | None = None) -> DonorCertificate:
    """Create a self-signed certificate. Nobody verifies more of it than its fingerprint."""
    start = now or datetime.now(timezone.utc)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start - CLOCK_MARGIN)
        .not_valid_after(start + LIFETIME)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    key_text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    text = certificate.public_bytes(serialization.Encoding.PEM)
    return DonorCertificate(text.decode("ascii"), Secret(key_text.decode("ascii")))


def is_expiring(certificate: str, now: datetime | None = None) -> bool:
    """Return whether a certificate has expired, or will soon. Raise InvalidTemplate if it is none."""
    try:
        end = x509.load_pem_x509_certificate(certificate.encode("utf-8")).not_valid_after_utc
    except ValueError as error:
        raise InvalidTemplate(
            [Problem("DonorCertificate", "a certificate in PEM", "another text")]
        ) from error
    return end - RENEWAL_MARGIN <= (now or datetime.now(timezone.utc))
