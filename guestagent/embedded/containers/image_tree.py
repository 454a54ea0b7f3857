"""An image as an unpacked tree, such as diskimage-builder's `-t tar` holds, and what it must have to boot here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from guestagent.embedded.database_servers.flavours import Family
from guestagent.errors import CloudError, InvalidInput, Problem

NEEDED_PROGRAMS = {
    "systemd": ("usr/lib/systemd/systemd", "lib/systemd/systemd"),
    "cloud-init": ("usr/bin/cloud-init",),
    "guestagent": ("opt/guestagent/bin/guestagent",),
}
SERVER_PROGRAMS: dict[Family, tuple[str, ...]] = {
    "mariadb": ("usr/sbin/mariadbd", "usr/libexec/mariadbd"),
    "mysql": ("usr/sbin/mysqld", "usr/libexec/mysqld"),
}
DATA_DIRECTORY = "var/lib/mysql"
SERVER_USER = "mysql"

ADVICE = "build the image with `-t tar`, and unpack it as root with `tar --numeric-owner --xattrs -xpf`"


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
    """Examine a tree; InvalidInput, with all that is missing, if it is not that of an image of our elements."""
    tree = folder.resolve()
    missing = [name for name, programs in NEEDED_PROGRAMS.items() if not _has_any(tree, programs)]
    # MariaDB's packages have a link mysqld too, so MariaDB is looked for first.
    families = [family for family, programs in SERVER_PROGRAMS.items() if _has_any(tree, programs)]
    missing += [] if families else ["a database server"]
    if missing:
        found = f"{folder} without {', '.join(missing)}" if folder.is_dir() else f"no folder {folder}"
        raise InvalidInput([Problem("--image", "the unpacked tree of an image", found, ADVICE)])
    _check_owners(tree, folder)
    return ImageTree(tree, families[0])


def _check_owners(tree: Path, folder: Path) -> None:
    """Raise InvalidInput if a copy has lost the owners of the files: no service would start from such a tree."""
    try:
        accounts = (tree / "etc/passwd").read_text(errors="replace").splitlines()
        system_owner = (tree / "etc/passwd").stat().st_uid
    except OSError:
        return
    user_ids = {words[0]: words[2] for line in accounts if len(words := line.split(":")) > 2}
    data = tree / DATA_DIRECTORY
    if system_owner != 0:
        found = f"{folder} whose files belong to user {system_owner}, not to root"
    elif data.is_dir() and str(data.stat().st_uid) != user_ids.get(SERVER_USER, str(data.stat().st_uid)):
        found = f"{folder} whose /{DATA_DIRECTORY} belongs to user {data.stat().st_uid}, not to {SERVER_USER}"
    else:
        return
    raise InvalidInput(
        [Problem("--image", "a tree with the owners that its files have in the image", found, ADVICE)]
    )


def _has_any(tree: Path, programs: tuple[str, ...]) -> bool:
    """Whether one of them is a file. A link's target is looked for in the tree, not on this machine."""
    return any((tree / program).is_symlink() or (tree / program).is_file() for program in programs)
