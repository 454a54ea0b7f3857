"""The superblocks of xfs and ext4: type, label and size of a file system that is not mounted. Pure."""

from __future__ import annotations

import struct
from dataclasses import dataclass

SUPERBLOCK_BYTES = 4096
"""So many bytes from the beginning of a device hold the superblock of either file system."""
XFS_MAGIC = b"XFSB"
EXT_OFFSET, EXT_MAGIC = 1024, 0xEF53
EXT_EXTENTS, EXT_64_BIT = 0x40, 0x80
BLOCK_SHIFT_LIMIT = 6


@dataclass(frozen=True, slots=True)
class FileSystem:
    """A file system by its superblock. `log_bytes`: the part of an xfs that statvfs does not count.

    `is_complete` is False while mkfs.xfs has not finished.
    """

    kind: str
    label: str
    size_bytes: int
    log_bytes: int = 0
    is_complete: bool = True


def parse_superblock(head: bytes) -> FileSystem | None:
    """Return the file system whose superblock is in the first SUPERBLOCK_BYTES; None if neither xfs nor ext is."""
    if len(head) < SUPERBLOCK_BYTES:
        return None
    return _parse_xfs(head) if head.startswith(XFS_MAGIC) else _parse_ext(head[EXT_OFFSET:])


def _parse_xfs(head: bytes) -> FileSystem:
    block_bytes, blocks = struct.unpack_from(">IQ", head, 4)
    (log_blocks,) = struct.unpack_from(">I", head, 96)
    (log_start,) = struct.unpack_from(">Q", head, 48)
    return FileSystem(
        kind="xfs",
        label=_decode_label(head[108:120]),
        size_bytes=block_bytes * blocks,
        log_bytes=block_bytes * log_blocks if log_start else 0,
        is_complete=head[126] == 0,
    )


def _parse_ext(block: bytes) -> FileSystem | None:
    (magic,) = struct.unpack_from("<H", block, 56)
    if magic != EXT_MAGIC:
        return None
    (blocks,) = struct.unpack_from("<I", block, 4)
    (shift,) = struct.unpack_from("<I", block, 24)
    (incompatible_features,) = struct.unpack_from("<I", block, 96)
    if incompatible_features & EXT_64_BIT:
        (high,) = struct.unpack_from("<I", block, 0x150)
        blocks |= high << 32
    return FileSystem(
        kind="ext4" if incompatible_features & EXT_EXTENTS else "ext2 or ext3",
        label=_decode_label(block[120:136]),
        size_bytes=blocks << (10 + min(shift, BLOCK_SHIFT_LIMIT)),
    )


def _decode_label(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("ascii", "replace")
