"""The TLS options of a channel, and the names of its PEM files. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from guestagent.database.state import TlsOptions
from guestagent.metadata.document import Tls, UnresolvedFunction
from guestagent.secret import Secret

FILE_PREFIX = "guestagent-channel-"


def build_tls_options(tls: Tls, folder: str) -> TlsOptions:
    """Build the options of a channel for `tls`, with files in `folder` (which ends in a slash)."""
    if not tls.required:
        return TlsOptions()
    paths = dict(list_files(tls, folder))
    return TlsOptions(
        is_enabled=True,
        ca=paths.get("ca", ""),
        verify=tls.ca is not None and tls.verify,
        certificate=paths.get("certificate", ""),
        key=paths.get("key", ""),
    )


def list_files(tls: Tls, folder: str) -> Iterator[tuple[str, str]]:
    """Yield kind and path of each file. A certificate and its key share a digest, because they change together."""
    if tls.ca is not None:
        yield "ca", f"{folder}{FILE_PREFIX}{_compute_digest(get_pem_text(tls, 'ca'))}-ca.pem"
    if tls.certificate is not None:
        digest = _compute_digest(get_pem_text(tls, "certificate"), get_pem_text(tls, "key"))
        yield "certificate", f"{folder}{FILE_PREFIX}{digest}-certificate.pem"
        yield "key", f"{folder}{FILE_PREFIX}{digest}-key.pem"


def get_pem_text(tls: Tls, kind: str) -> str:
    """Return the text of the `ca`, the `certificate` or the `key`."""
    value: str | Secret | UnresolvedFunction | None = getattr(tls, kind)
    return value.reveal() if isinstance(value, Secret) else str(value)


def _compute_digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]
