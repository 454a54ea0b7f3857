"""The certificate of a donor's port for backup streams: made here, and told to the replicas by its fingerprint."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID

from guestagent.errors import InvalidTemplate, Problem
from guestagent.secret import Secret

LIFETIME = timedelta(days=3650)
RENEWAL_MARGIN = timedelta(days=30)
DERIVED_START, DERIVED_LIFETIME = datetime(2026, 1, 1, tzinfo=timezone.utc), timedelta(days=36500)
"""Of a certificate that is derived: its dates must be the same each time."""
CLOCK_MARGIN = timedelta(days=1)
"""The clocks of controller and nodes may differ."""


@dataclass(frozen=True, slots=True)
class DonorCertificate:
    """A certificate and its private key, both in PEM."""

    certificate: str
    key: Secret


def create_certificate(common_name: str, now: datetime | None = None) -> DonorCertificate:
    """Create a self-signed certificate. Nobody verifies more of it than its fingerprint."""
    key = ec.generate_private_key(ec.SECP256R1())
    serial_number = x509.random_serial_number()
    start = now or datetime.now(timezone.utc)
    return _sign_certificate(common_name, key, hashes.SHA256(), serial_number, start)


def derive_certificate(common_name: str, seed: bytes) -> DonorCertificate:
    """Derive a certificate and its key from 32 secret bytes: the same ones each time, so neither has to be stored."""
    key = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
    serial_number = int.from_bytes(sha256(common_name.encode()).digest()[:16], "big")
    return _sign_certificate(common_name, key, None, serial_number, DERIVED_START, DERIVED_LIFETIME)


def _sign_certificate(
    common_name: str,
    key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey,
    algorithm: hashes.SHA256 | None,
    serial_number: int,
    start: datetime,
    lifetime: timedelta = LIFETIME,
) -> DonorCertificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial_number)
        .not_valid_before(start - CLOCK_MARGIN)
        .not_valid_after(start + lifetime)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, algorithm)
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
