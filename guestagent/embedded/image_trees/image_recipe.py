"""What an image is built from, and the names of its trees in the cache, which change with that."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BUILDER_PACKAGE = "diskimage-builder==3.43.0"
# The element of Debian's root, without what comes only with a kernel and a boot loader: a tree has no use for those.
ROOT_ELEMENT = "debian-minimal"
UNUSED_NAMES = frozenset({"README.rst", "__pycache__"})
# They install the agent, and run again in every tree of the image (see build_scripts).
AGENT_ELEMENT = "guestagent"
AGENT_SCRIPTS = (Path("extra-data.d/50-guestagent"), Path("install.d/50-guestagent"))


@dataclass(frozen=True, slots=True)
class ImageRecipe:
    """A Debian release with these elements. `element_folders` hold those that are not guestagent's own."""

    name: str
    release: str
    elements: tuple[str, ...]
    element_folders: tuple[Path, ...] = ()


MARIADB_RECIPE = ImageRecipe("bookworm-mariadb", "bookworm", ("guestagent-mariadb",))


def compute_image_digest(recipe: ImageRecipe, element_folders: tuple[Path, ...]) -> str:
    """Return the digest of what the tree without the agent is made from: the names, and the content of the elements."""
    digest = hashlib.sha256(" ".join((BUILDER_PACKAGE, recipe.release, *recipe.elements)).encode())
    for name in sorted(list_own_elements(recipe.elements, element_folders)):
        for folder in element_folders:
            _add_folder(digest, folder / name, AGENT_SCRIPTS if name == AGENT_ELEMENT else ())
    return digest.hexdigest()[:8]


def compute_agent_digest(folders: tuple[Path, ...]) -> str:
    """Return the digest of the content of these folders and files, of which the agent is installed."""
    digest = hashlib.sha256()
    for folder in folders:
        _add_folder(digest, folder)
    return digest.hexdigest()[:8]


def list_own_elements(elements: tuple[str, ...], element_folders: tuple[Path, ...]) -> set[str]:
    """List these elements with those that they depend on, as far as they are in the folders."""
    names: set[str] = set()
    waiting = list(elements)
    while waiting:
        name = waiting.pop()
        folder = next((each / name for each in element_folders if (each / name).is_dir()), None)
        if folder is not None and name not in names:
            names.add(name)
            dependencies = folder / "element-deps"
            waiting += dependencies.read_text().split() if dependencies.is_file() else []
    return names


def _add_folder(digest: hashlib._Hash, folder: Path, excluded: tuple[Path, ...] = ()) -> None:
    for path in _list_files(folder):
        name = path.relative_to(folder)
        if name not in excluded:
            mode = path.stat().st_mode & 0o111
            digest.update(f"\0{name}\0{mode}\0".encode() + path.read_bytes())


def _list_files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    elif path.is_dir():
        for child in sorted(path.iterdir()):
            if child.name not in UNUSED_NAMES:
                yield from _list_files(child)
