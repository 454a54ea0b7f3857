"""Update the golden files: `python -m tests.unit.golden.update`. Files in data/written_by are never changed."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.unit.golden import registry
from tests.unit.golden.golden_file import DATA, compare_golden, find_golden_files

REFUSED = "CI compares golden files and does not write them: run this on your own machine, commit the files"


def update(environment: Mapping[str, str]) -> list[str]:
    """Write golden files that differ, remove those without a build function, and return the names of both."""
    if environment.get("CI"):
        raise SystemExit(REFUSED)
    changed = [name for name in registry.BUILDS if write_golden(name)]
    unused = sorted(find_golden_files() - set(registry.BUILDS))
    for name in unused:
        (DATA / name).unlink()
    return changed + unused


def write_golden(name: str) -> bool:
    """Write one golden file; return whether it differed."""
    with tempfile.TemporaryDirectory() as folder:
        built = registry.BUILDS[name](Path(folder))
    if not compare_golden(name, built):
        return False
    path = DATA / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(built, encoding="utf-8")
    return True


if __name__ == "__main__":
    logging.disable()
    sys.stdout.writelines(f"{name}\n" for name in update(os.environ))
