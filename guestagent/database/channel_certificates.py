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
from guestagent.file_access import has_reader
from guestagent.metadata.document import Tls

FILE_MODE = 0o400  # only the server's user may read it: by an access control list, or as its owner


class ChannelCertificates:
    """The files of a channel on this node."""

    def write_files(self, tls: Tls, folder: str) -> None:
        """Write the files of `tls` that are missing, differ, or are not readable by the server's user alone."""
        for kind, path in list_files(tls, folder):
            content = get_pem_text(tls, kind).encode()
            user = _get_server_user(folder)
            if not _is_file_correct(path, content, user):
                atomic_file.write_file(Path(path), content, FILE_MODE, user)

    def remove_unused_files(self, folder: str, used: TlsOptions) -> None:
        """Remove the files that `used` does not name, and drafts of interrupted writes."""
        used_paths = {used.ca, used.certificate, used.key}
        for path in (*Path(folder).glob(f"{FILE_PREFIX}*"), *Path(folder).glob(f".{FILE_PREFIX}*")):
            if str(path) not in used_paths:
                atomic_file.remove_file(path)


def _get_server_user(folder: str) -> int:
    try:
        return Path(folder).stat().st_uid
    except OSError as error:
        raise StorageError(f"cannot read {folder}, the server's data directory: {error.strerror}") from error


def _is_file_correct(path: str, content: bytes, user: int) -> bool:
    try:
        status = Path(path).lstat()
        is_readable = stat.S_ISREG(status.st_mode) and (
            (status.st_uid == user and stat.S_IMODE(status.st_mode) == FILE_MODE)
            or has_reader(Path(path), user)
        )
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error.strerror}") from error
    return is_readable and atomic_file.read_file(Path(path)) == content
