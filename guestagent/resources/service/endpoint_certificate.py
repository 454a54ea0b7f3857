"""Verifies the endpoint's certificate as a guest will: by the CA that it is told to trust, for the public name."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from guestagent.errors import InvalidSettings, Problem
from guestagent.resources.endpoint.endpoint_settings import EndpointSettings


@dataclass(frozen=True, slots=True)
class LoadedCertificate:
    """A certificate that was verified. `context` serves it; `ends_at` is its end, in seconds since 1970."""

    context: ssl.SSLContext
    ends_at: float


class CertificateLoader:
    """Loads the endpoint's certificate from its files, as often as it is renewed.

    The CA is the one of the start, because the guests know no other: `authority` None means those of this machine.
    """

    def __init__(self, certificate: Path, key: Path, authority: Path | None, hostname: str) -> None:
        self._certificate, self._key, self._hostname = certificate, key, hostname
        self._trusted = "a CA of this machine" if authority is None else str(authority)
        self._client = _build_guest_context(authority)

    @property
    def files(self) -> tuple[Path, Path]:
        """The files of the certificate and its key."""
        return self._certificate, self._key

    def load(self) -> LoadedCertificate:
        """Load and verify the files as they are now. Raise InvalidSettings if a guest would refuse the certificate.

        A handshake in memory decides, with the same library as a guest's.
        """
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            server.load_cert_chain(self._certificate, self._key, password=_refuse_prompt)
        except (OSError, ValueError) as error:  # an SSLError is an OSError
            files = f"{self._certificate} and {self._key}"
            raise _build_error("endpoint.certificate", f"{files}: {_describe_error(error)}", "") from error
        try:
            return LoadedCertificate(server, _shake_hands(server, self._client, self._hostname))
        except ssl.SSLCertVerificationError as error:
            expected = f"one for {self._hostname}, the host of public_url, signed by {self._trusted}"
            raise _build_error("endpoint.certificate", error.verify_message, expected) from error


def build_certificate_loader(
    settings: EndpointSettings, authority: Path | None, hostname: str
) -> CertificateLoader | None:
    """Return the loader of the endpoint's certificate; None without one. Raise InvalidSettings for a bad CA."""
    if settings.certificate is None or settings.key is None:
        return None
    return CertificateLoader(settings.certificate, settings.key, authority, hostname)


def verify_certificate(settings: EndpointSettings, authority: Path | None, hostname: str) -> float | None:
    """Return when the certificate ends, in seconds since 1970; None without one. Raise InvalidSettings."""
    loader = build_certificate_loader(settings, authority, hostname)
    return None if loader is None else loader.load().ends_at


def _build_guest_context(authority: Path | None) -> ssl.SSLContext:
    try:
        client = ssl.create_default_context(cafile=authority)
    except (OSError, ValueError) as error:
        found = f"{authority}: {_describe_error(error)}"
        raise _build_error("endpoint.authority", found, "a CA's certificate in PEM") from error
    # As requests in a guest: certificates that servers make for themselves lack what Python 3.13 is strict about.
    client.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return client


def _shake_hands(server: ssl.SSLContext, client: ssl.SSLContext, hostname: str) -> float:
    """Do a handshake without a connection. Return the time at which the server's certificate ends."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client_side = client.wrap_bio(to_client, to_server, server_hostname=hostname)
    server_side = server.wrap_bio(to_server, to_client, server_side=True)
    sides = [client_side, server_side]
    while sides:
        side = sides.pop(0)
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            sides.append(side)
    certificate = client_side.getpeercert()
    assert certificate is not None, "a client verifies its server's certificate"
    return float(ssl.cert_time_to_seconds(str(certificate["notAfter"])))


def _refuse_prompt() -> bytes:
    """Make an encrypted key fail; without this OpenSSL would prompt on a terminal."""
    return b""


def _describe_error(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)


def _build_error(path: str, found: str, expected: str) -> InvalidSettings:
    return InvalidSettings([Problem(path, expected or "a certificate and its key in PEM", found)])
