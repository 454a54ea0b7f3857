"""The PEM files of a channel, in the server's data directory, which AppArmor and SELinux always let the server read.

A file's name contains a digest of its content: a new certificate is a new file, and a channel that has not been changed
yet keeps its own files.
"""

from __future__ import annotations

import stat
from pathlib import Path

from guestagent import atomic_file
from guestagent.database.channel_tls import FILE_PREFIX, get_pem_text, list_files
from guestagent.database.state import TlsOptions
from guestagent.errors import StorageError
from guestagent.metadata.document import Tls

FILE_MODE = 0o400  # owned by the server's user, and readable by no other user


class ChannelCertificates:
    """The files of a channel on this node."""

    def write_files(self, tls: Tls, folder: str) -> None:
        """Write the files of `tls` that are missing, differ, or do not belong to the server's user."""
        for kind, path in list_files(tls, folder):
            content = get_pem_text(tls, kind).encode()
            owner = _get_owner(folder)
            if not _is_file_correct(path, content, owner):
                atomic_file.write_file(Path(path), content, FILE_MODE, owner)

    def remove_unused_files(self, folder: str, used: TlsOptions) -> None:
        """Remove the files that `used` does not name, and drafts of interrupted writes."""
        used_paths = {used.ca, used.certificate, used.key}
        for path in (*Path(folder).glob(f"{FILE_PREFIX}*"), *Path(folder).glob(f".{FILE_PREFIX}*")):
            if str(path) not in used_paths:
                atomic_file.remove_file(path)


def _get_owner(folder: str) -> tuple[int, int]:
    try:
        status = Path(folder).stat()
    except OSError as error:
        raise StorageError(f"cannot read {folder}, the server's data directory: {error.strerror}") from error
    return status.st_uid, status.st_gid


def _is_file_correct(path: str, content: bytes, owner: tuple[int, int]) -> bool:
    try:
        status = Path(path).lstat()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error.strerror}") from error
    if not stat.S_ISREG(status.st_mode) or stat.S_IMODE(status.st_mode) != FILE_MODE:
        return False
    return (status.st_uid, status.st_gid) == owner and atomic_file.read_file(Path(path)) == content
