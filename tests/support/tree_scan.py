"""The files of an image tree, read to find what must not be in an image."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

PRIVATE_KEY = b"PRIVATE KEY-----\n"
# They hold such marks as words: programs that read keys, and their documentation.
PROGRAM_FOLDERS = ("usr", "opt/guestagent/lib", "boot")


def list_files(tree: Path) -> Iterator[Path]:
    """Yield every regular file of the tree; links are not followed."""
    for folder, folders, names in os.walk(tree):
        folders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            if stat.S_ISREG(path.lstat().st_mode):
                yield path


def find_words(tree: Path, words: Mapping[str, bytes]) -> set[tuple[str, str]]:
    """Return the name of each word that is in a file or in its path, with the path in the image."""
    found = set()
    for path in list_files(tree):
        name = str(path.relative_to(tree))
        content = name.encode() + b"\n" + path.read_bytes()
        found |= {(word_name, name) for word_name, word in words.items() if word in content}
    return found


def list_private_keys(tree: Path) -> list[str]:
    """Return the files with a private key, outside of the folders of programs."""
    names = {name for _, name in find_words(tree, {"key": PRIVATE_KEY})}
    return sorted(name for name in names if not name.startswith(PROGRAM_FOLDERS))
