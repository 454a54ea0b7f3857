"""The PEM files of a channel, in its server's data directory: there the server may read under every confinement.

Each is named after its content. A new text is a new file, and a channel that has not moved yet keeps its own.
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterator
from pathlib import Path

from guestagent import atomic_file
from guestagent.database.state import TlsOptions
from guestagent.errors import StorageError
from guestagent.metadata.document import Tls, UnresolvedFunction
from guestagent.secret import Secret

FILE_PREFIX = "guestagent-channel-"
FILE_MODE = 0o400  # of the server's own user: it reads them, and nobody else does


def build_tls_options(tls: Tls, folder: str) -> TlsOptions:
    """What a channel is told for `tls`, its files in `folder` (which ends in a slash)."""
    if not tls.required:
        return TlsOptions()
    named = dict(_named(tls, folder))
    return TlsOptions(
        is_enabled=True,
        ca=named.get("ca", ""),
        verify=tls.ca is not None and tls.verify,
        certificate=named.get("certificate", ""),
        key=named.get("key", ""),
    )


class ChannelCertificates:
    """Those files on this machine."""

    def write_files(self, tls: Tls, folder: str) -> None:
        """See to it that the files of `tls` are there, whole and the server's own; writes only what is not.

        StorageError where that cannot be done.
        """
        for kind, path in _named(tls, folder):
            content = _text(tls, kind).encode()
            owner = _owner(folder)
            if not _is(path, content, owner):
                atomic_file.write_file(Path(path), content, FILE_MODE, owner)

    def remove_unused_files(self, folder: str, used: TlsOptions) -> None:
        """Remove the files that `used` does not name, and what a killed write has left."""
        keep = {used.ca, used.certificate, used.key}
        for path in (*Path(folder).glob(f"{FILE_PREFIX}*"), *Path(folder).glob(f".{FILE_PREFIX}*")):
            if str(path) not in keep:
                atomic_file.remove_file(path)


def _named(tls: Tls, folder: str) -> Iterator[tuple[str, str]]:
    """Kind and path of each file. A certificate and its key go by one name, for they change together."""
    if tls.ca is not None:
        yield "ca", f"{folder}{FILE_PREFIX}{_digest(_text(tls, 'ca'))}-ca.pem"
    if tls.certificate is not None:
        digest = _digest(_text(tls, "certificate"), _text(tls, "key"))
        yield "certificate", f"{folder}{FILE_PREFIX}{digest}-certificate.pem"
        yield "key", f"{folder}{FILE_PREFIX}{digest}-key.pem"


def _text(tls: Tls, kind: str) -> str:
    value: str | Secret | UnresolvedFunction | None = getattr(tls, kind)
    return value.reveal() if isinstance(value, Secret) else str(value)


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def _owner(folder: str) -> tuple[int, int]:
    try:
        seen = Path(folder).stat()
    except OSError as error:
        raise StorageError(
            f"cannot look at {folder}, the server's data directory: {error.strerror}"
        ) from error
    return seen.st_uid, seen.st_gid


def _is(path: str, content: bytes, owner: tuple[int, int]) -> bool:
    try:
        seen = Path(path).lstat()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StorageError(f"cannot look at {path}: {error.strerror}") from error
    right = stat.S_ISREG(seen.st_mode) and stat.S_IMODE(seen.st_mode) == FILE_MODE
    return right and (seen.st_uid, seen.st_gid) == owner and atomic_file.read_file(Path(path)) == content
