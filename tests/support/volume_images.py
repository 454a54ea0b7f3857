"""Images of volumes that must not be formatted, and what identifies their content."""

from __future__ import annotations

import hashlib
import os
import struct
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path

MIB = 1 << 20
SECTOR_BYTES = 512
CHUNK_BYTES = 1 << 16


def write_partition_table(image: Path) -> None:
    """Write an MBR with one partition."""
    entry = struct.pack("<B3sB3sII", 0x80, b"\x20\x21\x00", 0x83, b"\xfe\xff\xff", 2048, 100_000)
    _write(image, 446, entry)
    _write(image, 510, b"\x55\xaa")


def write_gpt(image: Path) -> None:
    """Write a GPT without partitions, with its protective MBR."""
    sectors = image.stat().st_size // SECTOR_BYTES
    table = bytes(128 * 128)
    fields = ("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92)
    rest = (0, 1, sectors - 1, 34, sectors - 34, b"g" * 16, 2, 128, 128, zlib.crc32(table))
    crc = zlib.crc32(struct.pack(*fields, 0, *rest))
    _write(image, SECTOR_BYTES, struct.pack(*fields, crc, *rest))
    _write(image, 2 * SECTOR_BYTES, table)
    _write(image, 446, struct.pack("<B3sB3sII", 0, b"\0\2\0", 0xEE, b"\xff\xff\xff", 1, sectors - 1))
    _write(image, 510, b"\x55\xaa")


def write_lvm_label(image: Path) -> None:
    """Write the label of a physical volume of LVM."""
    body = struct.pack("<I8s32sQ", 32, b"LVM2 001", b"p" * 32, image.stat().st_size).ljust(492, b"\0")
    crc = zlib.crc32(body, 0xF597A6CF ^ 0xFFFFFFFF) ^ 0xFFFFFFFF
    _write(image, SECTOR_BYTES, struct.pack("<8sQI", b"LABELONE", 1, crc) + body)


def write_luks_header(image: Path) -> None:
    """Write the header of an encrypted volume."""
    _write(image, 0, b"LUKS\xba\xbe\x00\x01aes".ljust(592, b"\0"))


def write_swap(image: Path) -> None:
    _run("mkswap", str(image))


def write_other_ext4(image: Path) -> None:
    _run("mkfs.ext4", "-q", "-L", "backup", str(image))


def write_other_xfs(image: Path) -> None:
    _run("mkfs.xfs", "-q", str(image))


def write_first_bytes(image: Path) -> None:
    """Write raw data near the beginning, which no program recognizes."""
    _write(image, 15 * MIB, b"somebody's data")


def write_last_byte(image: Path) -> None:
    _write(image, image.stat().st_size - 1, b"x")


def tear_file_system(image: Path, *, kind: str, label: str, share: float, from_end: bool) -> None:
    """Leave in the image what an interrupted mkfs may have written: a share of the chunks of a whole file system."""
    whole = image.with_suffix(".whole")
    with whole.open("wb") as file:
        file.truncate(image.stat().st_size)
    _run(*(f"mkfs.{kind}", "-q", "-L", label, str(whole)))
    chunks = [chunk for chunk in _list_chunks(whole) if has_data(chunk[1])]
    ordered = [*reversed(chunks)] if from_end else chunks
    for offset, content in ordered[: int(len(chunks) * share)]:
        _write(image, offset, content)
    whole.unlink()


def has_data(chunk: bytes) -> bool:
    """Return whether a chunk has a byte that is not zero."""
    return chunk.count(0) != len(chunk)


def compute_digest(image: Path) -> str:
    """Compute a digest of all bytes that are not zero, without reading the holes."""
    digest = hashlib.sha256()
    for offset, content in _list_chunks(image):
        if has_data(content):
            digest.update(offset.to_bytes(8, "big") + content)
    return digest.hexdigest()


def _list_chunks(image: Path) -> Iterator[tuple[int, bytes]]:
    """List the chunks of an image that have data."""
    with image.open("rb", buffering=0) as file:
        end = os.fstat(file.fileno()).st_size
        offset = 0
        while offset < end:
            try:
                offset = os.lseek(file.fileno(), offset, os.SEEK_DATA) // CHUNK_BYTES * CHUNK_BYTES
            except OSError:  # no more data
                return
            yield offset, os.pread(file.fileno(), CHUNK_BYTES, offset)
            offset += CHUNK_BYTES


def _write(image: Path, offset: int, content: bytes) -> None:
    with image.open("r+b") as file:
        file.seek(offset)
        file.write(content)


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, capture_output=True)
