"""A mount namespace of this process's own, which no process of another worker copies."""

from __future__ import annotations

import ctypes
import os

CLONE_NEWNS = 0x00020000


def enter_mount_namespace() -> None:
    """Move this thread and its later children into a mount namespace of their own.

    A guest that another worker starts copies all mounts that it sees, and holds them: a device that is mounted in such
    a copy stays busy after it was unmounted here. Mounts that were shared before (`ip netns`) are still shared.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
