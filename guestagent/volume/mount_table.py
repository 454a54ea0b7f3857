"""The kernel's tables of mounts and of file locks, as /proc has them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

ESCAPE = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Mount:
    """A mount: the number (MAJOR:MINOR) of its device, the folder of the file system that it shows, and its target."""

    device_number: str
    folder: str
    target: str


def parse_mounts(text: str) -> tuple[Mount, ...]:
    """Parse /proc/self/mountinfo. The mounts are in their order: a later one covers an earlier one at its target."""
    return tuple(_iterate_mounts(text))


def find_mount(mounts: tuple[Mount, ...], target: str) -> Mount | None:
    """Return the visible mount at `target`, None if nothing is mounted there."""
    return next((mount for mount in reversed(mounts) if mount.target == target), None)


def list_targets(mounts: tuple[Mount, ...], device_number: str) -> tuple[str, ...]:
    """Return where the device is mounted."""
    return tuple(mount.target for mount in mounts if mount.device_number == device_number)


def parse_lock_owners(text: str) -> frozenset[tuple[int, int, int]]:
    """Parse /proc/locks into the locked files: major and minor number of the device, and inode."""
    files = set()
    for line in text.splitlines():
        for word in line.split():
            major, _, rest = word.partition(":")
            minor, _, inode = rest.partition(":")
            if inode.isdigit():
                files.add((int(major, 16), int(minor, 16), int(inode)))
    return frozenset(files)


def _iterate_mounts(text: str) -> Iterator[Mount]:
    for line in text.splitlines():
        words = line.split(" ")
        if len(words) > 5:
            yield Mount(words[2], _unescape(words[3]), _unescape(words[4]))


def _unescape(word: str) -> str:
    return ESCAPE.sub(lambda match: chr(int(match[1], 8)), word)
