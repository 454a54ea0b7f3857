"""TLS for the agent's own connections, from the PEM texts of a document. No file is needed, and none is written."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from guestagent.metadata.document import Tls


class UnusableCertificate(Exception):
    """A CA, certificate or key in the document that cannot be read. The text names the key, not its content."""


def build_tls_context(tls: Tls) -> ssl.SSLContext:
    """Build a context that verifies as the servers' own client does: nothing without a CA, the name by `verify`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = tls.ca is not None and tls.verify
    context.verify_mode = ssl.CERT_NONE if tls.ca is None else ssl.CERT_REQUIRED
    if tls.ca is not None:
        with _translate_certificate_errors("GuestAgent.TLS.CA contains no readable certificate"):
            context.load_verify_locations(cadata=str(tls.ca))
    if tls.certificate is not None and tls.key is not None:
        with (
            _translate_certificate_errors("GuestAgent.TLS.Certificate and Key are not a readable pair"),
            open_memory_file(str(tls.certificate)) as certificate_path,
            open_memory_file(tls.key.reveal()) as key_path,
        ):
            # The empty password makes an encrypted key fail; without it, OpenSSL would prompt on a terminal.
            context.load_cert_chain(certificate_path, key_path, password=lambda: b"")
    return context


@contextmanager
def _translate_certificate_errors(text: str) -> Iterator[None]:
    try:
        yield
    except (ssl.SSLError, ValueError) as error:
        raise UnusableCertificate(text) from error


@contextmanager
def open_memory_file(content: str) -> Iterator[str]:
    """Yield the path of a file in memory: the ssl module reads a certificate and its key from files only."""
    descriptor = os.memfd_create("guestagent", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, content.encode())
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)
