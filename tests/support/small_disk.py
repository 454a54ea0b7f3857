"""A small disk that can be filled."""

from __future__ import annotations

import errno
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def mount_small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """Mount a file system of this size in `folder`."""
    image = folder.with_name(f"{folder.name}.img")
    with image.open("wb") as file:
        file.truncate(megabytes << 20)
    _run("mkfs.ext4", "-q", "-O", "^has_journal", "-m", "0", str(image))
    folder.mkdir()
    _run("mount", "-o", "loop", str(image), str(folder))
    try:
        yield folder
    finally:
        _run("umount", str(folder))
        image.unlink()


@contextmanager
def mount_tiny_disk(folder: Path, size: str) -> Iterator[Path]:
    """Mount a file system in memory in `folder`; `size` is an option of tmpfs, such as 64k."""
    folder.mkdir(mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill_disk(file: Path) -> Path:
    """Create a file that fills its disk to the last byte."""
    size = 1 << 20
    with file.open("wb", 0) as filler:
        while size:
            try:
                filler.write(bytes(size))
            except OSError as error:
                assert error.errno == errno.ENOSPC
                size //= 2
    return file


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, capture_output=True)
