"""Keep the files of a version for ever: `python -m tests.unit.golden.freeze 0.2.0`.

Run it at a release, with the release's own code. It adds a folder to data/written_by, and the checksums of its files.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
from pathlib import Path

from tests.unit.golden.golden_file import WRITTEN_BY
from tests.unit.golden.registry import STORED

CHECKSUMS = "SHA256SUMS"
"""The file of checksums, in the format of sha256sum. It guards old files against a change by mistake."""


def freeze(version: str, written_by: Path = WRITTEN_BY) -> None:
    """Have the product write every file, and keep the bytes in a new folder of that name."""
    target = written_by / version
    target.mkdir(parents=True)
    for name, stored in STORED.items():
        with tempfile.TemporaryDirectory() as folder:
            stored.write(Path(folder))
            (target / name).parent.mkdir(exist_ok=True)
            shutil.copyfile(Path(folder) / stored.path, target / name)
    known = read_checksums(written_by)
    new = {name: digest for name, digest in take_checksums(written_by).items() if name not in known}
    with (written_by / CHECKSUMS).open("a", encoding="utf-8") as file:
        file.writelines(f"{digest}  {name}\n" for name, digest in new.items())


def read_checksums(written_by: Path) -> dict[str, str]:
    """Return the checksums in the file of checksums."""
    file = written_by / CHECKSUMS
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return {name: digest for digest, name in (line.split("  ") for line in lines)}


def take_checksums(written_by: Path) -> dict[str, str]:
    """Return the checksums of the files."""
    files = sorted(path for path in written_by.rglob("*") if path.is_file() and path.name != CHECKSUMS)
    return {
        path.relative_to(written_by).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


if __name__ == "__main__":
    freeze(sys.argv[1])
