"""TLS for a connection of our own, from the texts of a document: no file of it is needed, and none is written."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from guestagent.metadata.document import Tls


class UnusableCertificate(Exception):
    """What the document gives as a CA, a certificate or a key is none. Says which, and nothing of its content."""


def build_tls_context(tls: Tls) -> ssl.SSLContext:
    """As the servers' own client would do it: without a CA nothing is verified, `verify` is about the name."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = tls.ca is not None and tls.verify
    made.verify_mode = ssl.CERT_NONE if tls.ca is None else ssl.CERT_REQUIRED
    if tls.ca is not None:
        with _usable("GuestAgent.TLS.CA holds no certificate that can be read"):
            made.load_verify_locations(cadata=str(tls.ca))
    if tls.certificate is not None and tls.key is not None:
        with (
            _usable("GuestAgent.TLS.Certificate and Key are no pair that can be read"),
            _in_memory(str(tls.certificate)) as certificate,
            _in_memory(tls.key.reveal()) as key,
        ):
            # A key behind a passphrase fails here instead of asking a terminal.
            made.load_cert_chain(certificate, key, password=lambda: b"")
    return made


@contextmanager
def _usable(otherwise: str) -> Iterator[None]:
    try:
        yield
    except (ssl.SSLError, ValueError) as error:
        raise UnusableCertificate(otherwise) from error


@contextmanager
def _in_memory(text: str) -> Iterator[str]:
    """A file that no disk sees: the library reads a certificate and its key from files only."""
    descriptor = os.memfd_create("guestagent", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, text.encode())
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)
