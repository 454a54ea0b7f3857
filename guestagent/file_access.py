"""Lets one more user read a file, by an access control list: unlike a change of owner, that needs no privilege."""

from __future__ import annotations

import errno
import os
import struct
from pathlib import Path

ACL_ATTRIBUTE = "system.posix_acl_access"
ACL_VERSION = 2
READ = 4
NO_ID = 0xFFFFFFFF
# The tags of <linux/posix_acl.h>, in the kernel's order.
OWNER, USER, OWNER_GROUP, MASK, OTHERS = 0x01, 0x02, 0x04, 0x10, 0x20


def build_reader_acl(user: int) -> bytes:
    """Build the list by which the owner and this user may read a file, and nobody else."""
    entries = (
        (OWNER, READ, NO_ID),
        (USER, READ, user),
        (OWNER_GROUP, 0, NO_ID),
        (MASK, READ, NO_ID),
        (OTHERS, 0, NO_ID),
    )
    return struct.pack("<I", ACL_VERSION) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def grant_reading(descriptor: int, user: int) -> None:
    """Let this user read a file of this process, and nobody else. OSError if that is not possible.

    On a file system without access control lists the file becomes the user's own.
    """
    if user == os.geteuid():
        return
    try:
        os.setxattr(descriptor, ACL_ATTRIBUTE, build_reader_acl(user))
    except OSError as error:
        if error.errno != errno.ENOTSUP:
            raise
        os.fchown(descriptor, user, -1)


def has_reader(path: Path, user: int) -> bool:
    """Return whether `grant_reading` has been applied to this file. OSError if it cannot be read."""
    try:
        return os.getxattr(path, ACL_ATTRIBUTE, follow_symlinks=False) == build_reader_acl(user)
    except OSError as error:
        if error.errno in (errno.ENODATA, errno.ENOTSUP):
            return False
        raise
