"""Rebuild the wheel of this installation from its installed files.

The element `guestagent` runs this file as a script, with whatever `python3` the build machine has: an image gets the
very package that its elements came with, and no index is asked for it. So it imports nothing but the standard library.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import sys
import zipfile
from email.parser import HeaderParser
from io import StringIO
from pathlib import Path, PurePosixPath

# pip writes these when it installs a wheel; the wheel did not contain them.
_WRITTEN_BY_INSTALLER = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"}
# The modification time of every member: wheels of the same files are equal, bit by bit.
_MEMBER_TIME = (1980, 1, 1, 0, 0, 0)


class IncompleteInstallation(Exception):
    """The installed files do not make up a wheel."""


def build_wheel(site_packages: Path, folder: Path) -> Path:
    """Write the wheel of the guestagent that is installed in `site_packages` into `folder`, and return its path."""
    metadata = _find_metadata(site_packages)
    members = {name: _read_member(site_packages / name) for name in _list_members(site_packages, metadata)}
    records = [(name, _hash(content), str(len(content))) for name, (content, _) in members.items()]
    record = StringIO()
    csv.writer(record, lineterminator="\n").writerows([*records, (f"{metadata.name}/RECORD", "", "")])
    members[f"{metadata.name}/RECORD"] = record.getvalue().encode(), 0o644

    wheel = folder / f"{metadata.name.removesuffix('.dist-info')}-{_read_tag(metadata)}.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, (content, mode) in members.items():
            member = zipfile.ZipInfo(name, _MEMBER_TIME)
            member.external_attr = (0o100000 | mode) << 16
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, content)
    return wheel


def _find_metadata(site_packages: Path) -> Path:
    found = sorted(site_packages.glob("guestagent-*.dist-info"))
    if len(found) != 1 or not (found[0] / "RECORD").is_file():
        raise IncompleteInstallation(
            f"expected one guestagent-*.dist-info with a RECORD in {site_packages}, found {len(found)}"
        )
    return found[0]


def _list_members(site_packages: Path, metadata: Path) -> list[str]:
    """Return the files of the wheel: what RECORD lists, without bytecode, scripts and the installer's own files."""
    with (metadata / "RECORD").open(newline="") as record:
        names = [PurePosixPath(row[0]) for row in csv.reader(record) if row]
    members = sorted(
        str(name)
        for name in names
        if ".." not in name.parts and not name.is_absolute() and name.suffix != ".pyc"
        if not (name.parts[0] == metadata.name and name.name in _WRITTEN_BY_INSTALLER)
    )
    missing = [name for name in members if not (site_packages / name).is_file()]
    if missing:
        raise IncompleteInstallation(f"{missing[0]} is missing in {site_packages}, though RECORD lists it")
    return members


def _read_member(path: Path) -> tuple[bytes, int]:
    """Return the content and the mode of a file; only the execute bit of a mode is part of a wheel."""
    return path.read_bytes(), 0o755 if path.stat().st_mode & 0o100 else 0o644


def _hash(content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest())
    return f"sha256={digest.rstrip(b'=').decode()}"


def _read_tag(metadata: Path) -> str:
    tag = HeaderParser().parsestr((metadata / "WHEEL").read_text()).get("Tag")
    if tag is None:
        raise IncompleteInstallation(f"{metadata / 'WHEEL'} has no Tag")
    return tag


def main(folder: str) -> str | None:
    """Build the wheel of the installation that contains this file; return a message if that fails."""
    site_packages = Path(__file__).resolve().parents[1]
    try:
        build_wheel(site_packages, Path(folder))
    except (IncompleteInstallation, OSError) as error:
        return (
            f"guestagent: cannot rebuild the wheel of this installation: {error}: set DIB_GUESTAGENT_SOURCE"
        )
    return None


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
