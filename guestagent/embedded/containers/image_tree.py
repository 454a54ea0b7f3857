"""An image as an unpacked tree, such as diskimage-builder's `-t tar` holds, and what it must have to boot here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from guestagent.embedded.database_servers.flavours import Family
from guestagent.errors import CloudError, InvalidInput, Problem

INIT_PROGRAMS = ("usr/lib/systemd/systemd", "lib/systemd/systemd")
CLOUD_INIT_PROGRAMS = ("usr/bin/cloud-init",)
AGENT_PROGRAMS = ("opt/guestagent/bin/guestagent",)
SERVER_PROGRAMS: dict[Family, tuple[str, ...]] = {
    "mariadb": ("usr/sbin/mariadbd", "usr/libexec/mariadbd"),
    "mysql": ("usr/sbin/mysqld", "usr/libexec/mysqld"),
}


@dataclass(frozen=True, slots=True)
class ImageTree:
    """The root folder of an image, and the family of its database server."""

    folder: Path
    family: Family

    def check_image(self, image: str) -> None:
        """Raise CloudError if an image of that name has another server than the tree."""
        if not image.startswith(f"guestagent-{self.family}"):
            raise CloudError(
                f"{image}: this cloud boots {self.folder}, which has {self.family}: use guestagent-{self.family}"
            )


def open_image_tree(folder: Path) -> ImageTree:
    """Examine a tree; InvalidInput, with everything that is missing, if it is not one of our elements' images."""
    tree = folder.resolve()
    problems = [
        Problem("image", f"a tree with {programs[0]}", str(folder), _ADVICE)
        for programs in (INIT_PROGRAMS, CLOUD_INIT_PROGRAMS, AGENT_PROGRAMS)
        if not _has_any(tree, programs)
    ]
    # MariaDB's packages have a link mysqld too, so MariaDB is looked for first.
    families = [family for family, programs in SERVER_PROGRAMS.items() if _has_any(tree, programs)]
    if not families:
        problems.append(Problem("image", "a tree with a MariaDB or MySQL server", str(folder), _ADVICE))
    if problems:
        raise InvalidInput(problems)
    return ImageTree(tree, families[0])


def _has_any(tree: Path, programs: tuple[str, ...]) -> bool:
    """Whether one of them is a file. A link's target is looked for in the tree, not on this machine."""
    return any((tree / program).is_symlink() or (tree / program).is_file() for program in programs)


_ADVICE = "build the image with `-t tar`, and unpack it with `tar --numeric-owner --xattrs -xpf`, as root"
