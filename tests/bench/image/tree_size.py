"""Sizes of an image's tree: the whole, what guestagent adds to it, and the packages in which two trees differ."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from guestagent.package_data import find_package_data

HOME = "opt/guestagent"
PACKAGE_PATTERN = "lib/python3*/site-packages/guestagent"
DPKG_STATUS = "var/lib/dpkg/status"
FIELD_PATTERN = re.compile(r"^(Package|Status|Installed-Size): (.+)$", re.M)
BLOCK_BYTES = 512


@dataclass(frozen=True, slots=True)
class TreeSize:
    """Bytes on the disk of two trees and of our parts. Of our own code, bytes of the content of files and folders.

    The packages are those that only one of the trees has, with dpkg's size in bytes. Without a plain tree there are
    none, and `plain` is None.
    """

    image: str
    whole: int
    plain: int | None
    environment: int
    own_code: int
    settings: int
    new_packages: Mapping[str, int]
    gone_packages: Mapping[str, int]


def measure_tree(image: str, tree: Path, plain_tree: Path | None) -> TreeSize:
    """Measure a tree, beside that of the same packages without guestagent."""
    (package,) = (tree / HOME).glob(PACKAGE_PATTERN)
    packages = read_packages(tree)
    plain_packages = packages if plain_tree is None else read_packages(plain_tree)
    return TreeSize(
        image=image,
        whole=sum_disk_usage(list_paths(tree)),
        plain=None if plain_tree is None else sum_disk_usage(list_paths(plain_tree)),
        environment=sum_disk_usage(list_paths(tree / HOME)),
        own_code=sum(path.lstat().st_size for path in list_paths(package)),
        settings=sum_disk_usage(list_settings(tree)),
        new_packages={name: size for name, size in packages.items() if name not in plain_packages},
        gone_packages={name: size for name, size in plain_packages.items() if name not in packages},
    )


def list_settings(tree: Path) -> Iterator[Path]:
    """List the units, scripts and option files that our elements put into the tree."""
    for unit in find_package_data("systemd").glob("*.service"):
        yield tree / "etc/systemd/system" / unit.name
    for folder in find_package_data("elements").glob("*/static"):
        yield from (tree / path.relative_to(folder) for path in folder.rglob("*") if path.is_file())


def list_paths(folder: Path) -> Iterator[Path]:
    """List the folder and everything below it, without following links."""
    yield folder
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            yield from list_paths(path)
        else:
            yield path


def sum_disk_usage(paths: Iterable[Path]) -> int:
    """Sum the bytes that the paths occupy on the disk. A file with several names counts once."""
    usage_by_inode = {}
    for path in paths:
        if path.is_symlink() or path.exists():
            status = path.lstat()
            usage_by_inode[status.st_ino] = status.st_blocks * BLOCK_BYTES
    return sum(usage_by_inode.values())


def read_packages(tree: Path) -> dict[str, int]:
    """Read the size in bytes of each package that dpkg has in a tree."""
    return parse_packages((tree / DPKG_STATUS).read_text())


def parse_packages(status: str) -> dict[str, int]:
    """Parse dpkg's status file: the size in bytes of each package that is there as a whole."""
    paragraphs = (dict(FIELD_PATTERN.findall(paragraph)) for paragraph in status.split("\n\n"))
    return {
        fields["Package"]: 1024 * int(fields.get("Installed-Size", 0))
        for fields in paragraphs
        if fields.get("Status", "").endswith(" ok installed")
    }
