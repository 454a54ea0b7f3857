"""A file that the product stores: how to write it, how to read it, and a value for both."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.unit.golden.golden_file import load_json, to_json, to_yaml


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file with one value in it.

    `path` is where the product keeps it, seen from the folder that `write` and `read` are given. `value` is what
    `write` stores, and what `read` must return for this file in every later version.
    """

    path: str
    write: Callable[[Path], None]
    read: Callable[[Path], object]
    value: object

    def build_golden(self, folder: Path) -> str:
        """Have the product write the file, and return its content."""
        self.write(folder)
        written = folder / self.path
        if written.suffix == ".json":
            return to_json(load_json(written))
        return to_yaml(yaml.safe_load(written.read_text(encoding="utf-8")))

    def read_copy(self, of: Path, folder: Path) -> object:
        """Have the product read a copy of another file as if it had found it in `folder`."""
        (folder / self.path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(of, folder / self.path)
        return self.read(folder)
