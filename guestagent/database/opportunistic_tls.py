"""The server's greeting: whether it offers TLS, read before PyMySQL reads it."""

from __future__ import annotations

import socket

from guestagent.database.connection_errors import CR_SERVER_LOST, NoAnswer
from guestagent.metadata.document import Tls

CLIENT_SSL = 0x0800
"""The capability flag with which a server offers TLS."""

PLAINTEXT = Tls(required=False)
CAPABILITIES_OFFSET = 14
"""Bytes from the end of the version to the lower capability flags."""

GREETING_SIZE_LIMIT = 512


def choose_tls(stream: socket.socket, tls: Tls | None, operation: str) -> Tls:
    """Choose TLS by the capabilities in the server's greeting, for a login that does not require it.

    MSG_PEEK leaves the greeting in the socket for PyMySQL.
    """
    try:
        greeting = stream.recv(GREETING_SIZE_LIMIT, socket.MSG_PEEK)
    except TimeoutError:
        raise NoAnswer(operation, CR_SERVER_LOST, "no greeting: timed out") from None
    return choose_tls_by_greeting(greeting, tls)


def choose_tls_by_greeting(greeting: bytes, tls: Tls | None) -> Tls:
    """Choose TLS by a greeting. An incomplete greeting counts as one that offers TLS.

    caching_sha2_password sometimes needs the password itself, so it is not used in clear even for a channel in clear:
    unverified TLS is as good as the public key that the server would send, and needs no library for it.
    """
    capabilities = _read_capabilities(greeting)
    offers_tls = capabilities is None or bool(capabilities & CLIENT_SSL)
    if tls is None:
        return Tls() if offers_tls else PLAINTEXT
    uses_sha2 = b"caching_sha2_password" in greeting
    return Tls() if capabilities is not None and offers_tls and uses_sha2 else tls


def _read_capabilities(greeting: bytes) -> int | None:
    """Return the lower capability flags; None if the greeting is incomplete."""
    version_end = greeting.find(b"\0", 5)
    start = version_end + CAPABILITIES_OFFSET
    flags = greeting[start : start + 2]
    return int.from_bytes(flags, "little") if version_end > 0 and len(flags) == 2 else None
