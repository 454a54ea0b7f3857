"""Finds out whether a folder lies on a file system that other hosts may write to."""

from __future__ import annotations

import re
from pathlib import Path

from guestagent.errors import StorageError

MOUNTS_FILE = Path("/proc/self/mountinfo")
NETWORK_FILE_SYSTEMS = frozenset(
    {
        *(
            "9p",
            "afs",
            "beegfs",
            "ceph",
            "cifs",
            "coda",
            "gfs2",
            "glusterfs",
            "gpfs",
            "lustre",
            "ncpfs",
            "nfs",
        ),
        *("nfs4", "ocfs2", "orangefs", "pvfs2", "smb3", "smbfs", "virtiofs"),
    }
)
NETWORK_FUSE_SYSTEMS = frozenset(
    {"ceph", "cephfs", "davfs", "gcsfuse", "glusterfs", "juicefs", "rclone", "s3fs", "sshfs"}
)
_ESCAPE = re.compile(r"\\([0-7]{3})")


def find_network_file_system(folder: Path, mounts_file: Path = MOUNTS_FILE) -> str | None:
    """Return the type of the network file system that holds the folder; None for a local one."""
    try:
        text = mounts_file.read_text(encoding="utf-8", errors="surrogateescape")
        target = folder.resolve()
    except OSError as error:
        raise StorageError(f"cannot read {mounts_file}: {error.strerror}") from error
    file_system = find_file_system(text, target)
    return file_system if is_network_file_system(file_system) else None


def is_network_file_system(file_system: str) -> bool:
    """Return whether it is a type, as in mountinfo, of which other hosts may mount the same files."""
    kind, _, subtype = file_system.partition(".")
    return kind in NETWORK_FILE_SYSTEMS or (kind == "fuse" and subtype in NETWORK_FUSE_SYSTEMS)


def find_file_system(text: str, path: Path) -> str:
    """Return the type of the file system of a path from the content of mountinfo: the innermost, last mount counts."""
    best_length, best_type = -1, ""
    for line in text.splitlines():
        left, separator, right = line.partition(" - ")
        words = left.split(" ")
        if not separator or len(words) < 5:
            continue
        mount_point = Path(_ESCAPE.sub(lambda match: chr(int(match[1], 8)), words[4]))
        if path.is_relative_to(mount_point) and len(mount_point.parts) >= best_length:
            best_length, best_type = len(mount_point.parts), right.split(" ")[0]
    return best_type
